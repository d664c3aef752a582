using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// The recipe on the training device, one call per batch: windows as the feed read them and what was drawn for each clip become the
/// model's input. To the device goes one copy of the frames that all video views are cut out of, and one per
/// audio view, of half-precision values.
/// </summary>
/// <param name="feed">Sizes and normalisation of the views.</param>
/// <param name="melMean">Mean of the log-mel.</param>
/// <param name="melStd">Its standard deviation.</param>
/// <param name="host">Brings batches to the device.</param>
internal sealed class BatchAugmenter(ViewOptions feed, double melMean, double melStd, HostTensors host)
{
    private readonly VideoBatchKernel _video = new(feed.Augmentation!.FrameMean, feed.Augmentation.FrameStd, host.Device);
    private readonly SpectrogramBatchKernel _audio = new(melMean, melStd, feed.Mel.LogEpsilon, host.Device);

    /// <summary>Makes the input of one step; the batch may be disposed afterwards.</summary>
    public XkdInputTensors Apply(HostBatch batch)
    {
        Tensor[] video = new Tensor[batch.Windows.Count], audio = new Tensor[batch.Mel.Count];
        using var frames = batch.Frames is { } read ? host.Of(read.Data, ScalarType.Byte, read.Length) : null;
        for (var view = 0; view < video.Length; view++)
        {
            int at = view, size = view == 0 ? feed.FrameSize : feed.LocalFrameSize;
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
