using System.Globalization;
using System.Text.RegularExpressions;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>Spoken digits, 8 kHz: the recordings of the Free Spoken Digit Dataset, <c>D_speaker_N.wav</c>; N of 0 to 4 is its test split.</summary>
internal sealed partial class SpokenDigits
{
    public const int SampleRate = 8000;
    private const int TestRecordings = 5;
    private readonly Dictionary<string, List<short[]>>[] _recordings;

    private SpokenDigits(Dictionary<string, List<short[]>>[] recordings) => _recordings = recordings;

    /// <summary>The recordings of a digit by speaker, speakers in ordinal order.</summary>
    public IReadOnlyList<IReadOnlyList<short[]>> Of(int digit) => [.. _recordings[digit].OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => r.Value)];

    /// <summary>Reads one side of the split; the folder or its <c>recordings</c>.</summary>
    /// <exception cref="UsageException">The folder holds no such recordings, or lacks a digit.</exception>
    /// <exception cref="FailureException">A file is damaged.</exception>
    public static SpokenDigits Read(string folder, bool validation)
    {
        var inner = Path.Combine(folder, "recordings");
        folder = Directory.Exists(inner) ? inner : folder;
        var recordings = Enumerable.Range(0, DigitImages.Digits).Select(_ => new Dictionary<string, List<short[]>>(StringComparer.Ordinal)).ToArray();
        foreach (var file in Directory.EnumerateFiles(folder, "*.wav").Order(StringComparer.Ordinal))
        {
            if (Name().Match(Path.GetFileName(file)) is not { Success: true } name || (int.Parse(name.Groups[3].Value, CultureInfo.InvariantCulture) < TestRecordings) != validation)
            {
                continue;
            }

            var speakers = recordings[name.Groups[1].Value[0] - '0'];
            if (!speakers.TryGetValue(name.Groups[2].Value, out var spoken))
            {
                speakers[name.Groups[2].Value] = spoken = [];
            }

            spoken.Add(WaveFile.ReadMono16(file, SampleRate));
        }

        var absent = Array.FindIndex(recordings, r => r.Count == 0);
        return absent < 0
            ? new SpokenDigits(recordings)
            : throw new UsageException($"{folder} has no {(validation ? "test" : "training")} recording {absent}_SPEAKER_N.wav (N {(validation ? "below" : "from")} {TestRecordings})");
    }

    [GeneratedRegex(@"^([0-9])_([^_]+)_([0-9]{1,6})\.wav$")]
    private static partial Regex Name();
}
