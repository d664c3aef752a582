using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xkd.Ingest;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>
/// Clips of 10 s out of clips of a corpus, whose moments differ: 3 s of another digit, 4 s of the labelled one, 3 s of a third. The middle window of 4 s,
/// which the probe sees, is the labelled digit's alone; a local view from another moment than its global window is often of another digit.
/// </summary>
internal sealed class JoinedCorpus(FfmpegTools tools)
{
    private const string Marker = ".joined.json";
    private const SamplePurpose Neighbour = (SamplePurpose)2003; // clear of the corpus's own draws and of those of training
    private static readonly int[] Seconds = [3, 4, 3];

    /// <summary>Makes what is missing; a second call makes nothing.</summary>
    /// <param name="data">A corpus: <c>train</c> and <c>val</c>, each with <c>digit_D/*.mp4</c>.</param>
    /// <param name="root">The set to make, of the same layout.</param>
    /// <param name="perClass">Most clips of a digit and split.</param>
    /// <param name="seed">Draws the neighbours.</param>
    /// <param name="progress">Receives the number of clips made so far, and of those to make.</param>
    /// <param name="stop">Stops; clips made so far are whole.</param>
    /// <returns>Clips made, and clips in all.</returns>
    /// <exception cref="UsageException">There is no corpus, or <paramref name="root"/> holds a set of other options.</exception>
    /// <exception cref="FailureException">ffmpeg cannot decode or encode a clip.</exception>
    public async Task<(int Made, int All)> MakeAsync(string data, string root, int perClass, ulong seed, IProgress<(int Made, int All)>? progress, CancellationToken stop)
    {
        var clips = Splits(data, perClass).SelectMany(split => Join(split, root, seed)).ToList();
        GeneratedSet.Claim(root, Marker, JsonSerializer.Serialize(new { seed, perClass, Seconds }));
        var missing = clips.Where(static clip => !File.Exists(clip.Path)).ToList();
        var made = 0;
        await Parallel.ForEachAsync(missing, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = stop }, async (clip, token) =>
        {
            await EncodeAsync(clip, token).ConfigureAwait(false);
            var count = Interlocked.Increment(ref made);
            progress?.Report((count, missing.Count));
        }).ConfigureAwait(false);
        return (made, clips.Count);
    }

    private static IEnumerable<(string Name, IReadOnlyList<IReadOnlyList<string>> ByDigit)> Splits(string data, int perClass)
    {
        foreach (var split in new[] { "train", "val" })
        {
            var folders = Enumerable.Range(0, DigitImages.Digits).Select(digit => Path.Combine(data, split, $"digit_{digit}")).ToList();
            if (folders.Find(static folder => !Directory.Exists(folder) || !Directory.EnumerateFiles(folder, "*.mp4").Any()) is { } empty)
            {
                throw new UsageException($"--data {data}: no clips in {empty}; `generate` makes the corpus");
            }

            yield return (split, [.. folders.Select(folder => Directory.EnumerateFiles(folder, "*.mp4").Order(StringComparer.Ordinal).Take(perClass).ToList())]);
        }
    }

    private static IEnumerable<(string Path, string[] Parts)> Join((string Name, IReadOnlyList<IReadOnlyList<string>> ByDigit) split, string root, ulong seed)
    {
        for (var digit = 0; digit < split.ByDigit.Count; digit++)
        {
            for (var index = 0; index < split.ByDigit[digit].Count; index++)
            {
                SampleRandom random = new(new SampleKey(seed, split.Name == "val" ? 1 : 0, ((long)digit << 32) + index), Neighbour);
                int[] others = [.. Enumerable.Range(0, DigitImages.Digits).Where(d => d != digit)];
                random.Shuffle<int>(others);
                var own = split.ByDigit[digit][index];
                IReadOnlyList<string> before = split.ByDigit[others[0]], after = split.ByDigit[others[1]];
                yield return (Path.Combine(root, split.Name, $"digit_{digit}", Path.GetFileName(own)), [before[random.NextInt(before.Count)], own, after[random.NextInt(after.Count)]]);
            }
        }
    }

    private async Task EncodeAsync((string Path, string[] Parts) clip, CancellationToken stop)
    {
        var folder = Path.GetDirectoryName(clip.Path)!;
        Directory.CreateDirectory(folder);
        var temporary = Path.Combine(folder, "." + Path.GetFileName(clip.Path));
        ProcessStartInfo start = new(tools.Ffmpeg, [.. Arguments(clip.Parts), temporary]) { UseShellExecute = false, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new FailureException($"{start.FileName} does not start");
        try
        {
            var said = await process.StandardError.ReadToEndAsync(stop).ConfigureAwait(false);
            await process.WaitForExitAsync(stop).ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw new FailureException($"ffmpeg could not join {string.Join(", ", clip.Parts)} (exit {process.ExitCode}: {said.Trim()})");
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        File.Move(temporary, clip.Path, overwrite: true);
    }

    private static IEnumerable<string> Arguments(string[] parts)
    {
        var format = DigitCorpus.Format;
        var cut = parts.Select((_, i) => string.Create(
            CultureInfo.InvariantCulture,
            $"[{i}:v]trim=end_frame={Seconds[i] * (int)format.Fps},setpts=PTS-STARTPTS[v{i}];[{i}:a]apad,atrim=end={Seconds[i]},asetpts=PTS-STARTPTS[a{i}];"));
        var joined = string.Concat(parts.Select((_, i) => $"[v{i}][a{i}]")) + $"concat=n={parts.Length}:v=1:a=1[v][a]";
        return
        [
            "-hide_banner", "-nostdin", "-nostats", "-v", "error", "-y", .. parts.SelectMany(static part => new[] { "-i", part }), "-filter_complex", string.Concat(cut) + joined,
            "-map", "[v]", "-map", "[a]", "-threads", "1", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", // H.264: ffmpeg's libraries decode it
            "-c:a", "aac", "-b:a", format.AudioBitRate.ToString(CultureInfo.InvariantCulture), "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
        ];
    }
}
