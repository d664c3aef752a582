using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// The recipe on the training device, one call per batch: windows as the feed read them and what was drawn for each clip become the
/// model's input. To the device goes one copy of the frames that all video views are cut out of, and one per
/// audio view, of half-precision values.
/// </summary>
internal sealed class BatchAugmenter(BatchAugmenterOptions options, HostTensors host)
{
    private readonly VideoBatchKernel _video = new(options.FrameMean, options.FrameStd, host.Device);
    private readonly SpectrogramBatchKernel _audio = new(options.MelMean, options.MelStd, options.LogEpsilon, host.Device);

    /// <summary>Makes the input of one step; the batch may be disposed afterwards.</summary>
    public XkdInputTensors Apply(HostBatch batch)
    {
        Tensor[] video = new Tensor[batch.Windows.Count], audio = new Tensor[batch.Mel.Count];
        using var frames = batch.Frames is { } read ? host.Of(read.Data, ScalarType.Byte, read.Length) : null;
        for (var view = 0; view < video.Length; view++)
        {
            int at = view, size = view == 0 ? options.GlobalSize : options.LocalSize;
            video[view] = _video.Apply(frames!, batch.Windows[view], [.. batch.Drawn.Select(d => d!.Video[at])], size, size);
        }

        for (var view = 0; view < audio.Length; view++)
        {
            var at = view;
            var windows = batch.Mel[view];
            using var mel = host.Of(windows.Data, ScalarType.Float16, windows.Shape);
            audio[view] = _audio.Apply(mel, [.. batch.Drawn.Select(d => d!.Audio[at])]);
        }

        return XkdInputTensors.Of(batch, video, audio, host);
    }
}

/// <summary>Sizes and normalisation of the views that a <see cref="BatchAugmenter"/> makes.</summary>
internal sealed record BatchAugmenterOptions
{
    /// <summary>Height and width of the global video view, pixels.</summary>
    public required int GlobalSize { get; init; }

    /// <summary>Height and width of local video views, pixels.</summary>
    public required int LocalSize { get; init; }

    /// <summary>Channel means of a frame, values in [0, 1].</summary>
    public required IReadOnlyList<float> FrameMean { get; init; }

    /// <summary>Channel standard deviations of a frame.</summary>
    public required IReadOnlyList<float> FrameStd { get; init; }

    /// <summary>Mean of the log-mel.</summary>
    public required double MelMean { get; init; }

    /// <summary>Standard deviation of the log-mel.</summary>
    public required double MelStd { get; init; }

    /// <summary>The epsilon inside the cached logarithm.</summary>
    public required double LogEpsilon { get; init; }

    /// <summary>What fits a feed whose augmentation is deferred.</summary>
    public static BatchAugmenterOptions Of(ViewOptions feed, double melMean, double melStd) => new()
    {
        GlobalSize = feed.FrameSize,
        LocalSize = feed.LocalFrameSize,
        FrameMean = feed.Augmentation!.FrameMean,
        FrameStd = feed.Augmentation.FrameStd,
        MelMean = melMean,
        MelStd = melStd,
        LogEpsilon = feed.Mel.LogEpsilon,
    };
}
