using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// A small labelled audio-visual set for demonstrations: <c>ROOT/train/class/*.mp4</c> and <c>ROOT/val/class/*.mp4</c>. Neither a file's size nor its
/// length tells its class.
/// </summary>
public sealed class ShapesGenerator(FfmpegTools tools)
{
    private static readonly bool[] Splits = [false, true];
    private const string Marker = ".shapes.json";

    /// <summary>The class names, which are the folders.</summary>
    public static IReadOnlyList<string> Classes { get; } = [.. Enum.GetNames<ShapeClass>().Select(static name => name.ToLowerInvariant())];

    /// <summary>Makes what is missing; a second call makes nothing.</summary>
    /// <param name="root">The folder, created when absent.</param>
    /// <param name="options">Size and seed.</param>
    /// <param name="progress">Receives the number of clips made so far.</param>
    /// <param name="cancellationToken">Stops; clips made so far are whole.</param>
    /// <returns>The number of clips made.</returns>
    /// <exception cref="UsageException">The folder holds a set of other options.</exception>
    /// <exception cref="FailureException">ffmpeg cannot encode.</exception>
    public Task<int> GenerateAsync(string root, ShapesOptions options, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        GeneratedSet.Claim(root, Marker, JsonSerializer.Serialize(options with { Workers = 0 }));
        var format = new GeneratedClipFormat { Width = options.Width, Height = options.Height, Fps = options.Fps, SampleRate = options.SampleRate };
        return new GeneratedClipEncoder(tools, format).EncodeMissingAsync(Clips(root, options), options.Workers, progress, cancellationToken);
    }

    private static IEnumerable<ShapeClip> Clips(string root, ShapesOptions options) =>
        from validation in Splits
        from index in Enumerable.Range(0, validation ? options.ValidationPerClass : options.TrainPerClass)
        from shape in Enum.GetValues<ShapeClass>()
        select new ShapeClip(root, options, validation, shape, index);
}
