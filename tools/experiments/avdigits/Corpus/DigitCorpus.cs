using System.Text.Json;
using Xkd.Ingest;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>
/// Clips of 4.5 s whose image and sound share only the class: a handwritten digit drifts over a shifting background, sometimes with a distractor, while the
/// same digit is spoken. <c>ROOT/{train,val}/digit_D/*.mp4</c>; what val is made of, train has not seen.
/// </summary>
internal sealed class DigitCorpus(FfmpegTools tools)
{
    private static readonly bool[] Splits = [false, true];
    private const string Marker = ".avdigits.json";

    public static GeneratedClipFormat Format { get; } = new() { Width = 128, Height = 128, Fps = 12, SampleRate = SpokenDigits.SampleRate, VideoBitRate = 200_000, AudioBitRate = 32_000 };

    /// <summary>Makes what is missing; a second call makes nothing.</summary>
    /// <returns>The number of clips made.</returns>
    /// <exception cref="UsageException">The folders hold no MNIST or FSDD, or <paramref name="root"/> holds a corpus of other options.</exception>
    /// <exception cref="FailureException">A file is damaged, or ffmpeg cannot encode.</exception>
    public async Task<int> GenerateAsync(string root, DigitCorpusOptions options, IProgress<int>? progress, CancellationToken stop)
    {
        var made = 0;
        var sources = Splits.Select(validation => (Validation: validation, Images: DigitImages.Read(options.Mnist, validation), Sounds: SpokenDigits.Read(options.Fsdd, validation))).ToArray();
        GeneratedSet.Claim(root, Marker, JsonSerializer.Serialize(new { options.Seed, options.TrainPerClass, options.ValidationPerClass })); // where the sources lie is no part of it
        foreach (var (validation, images, sounds) in sources)
        {
            var clips =
                from index in Enumerable.Range(0, validation ? options.ValidationPerClass : options.TrainPerClass)
                from digit in Enumerable.Range(0, DigitImages.Digits)
                select new DigitClip(root, options.Seed, validation, digit, index, images.Of(digit), sounds.Of(digit));
            made += await new GeneratedClipEncoder(tools, Format).EncodeMissingAsync(clips, workers: 0, progress, stop).ConfigureAwait(false);
        }

        return made;
    }
}
