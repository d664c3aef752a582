using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Conformance.Topics;

/// <summary>The batched augmentation kernels on golden inputs, the same clip several times over in one batch.</summary>
internal static class BatchKernels
{
    private const int Copies = 2;

    /// <summary>Views [3, frames, height, width] as the batch made them; the copies must agree.</summary>
    public static float[] Video(GoldenCase golden, byte[] frames, int frameHeight, int frameWidth, VideoViewAugmentation view, int count, int height, int width, float[] mean, float[] std)
    {
        using HostTensors host = new(Devices.Parse(golden.DeviceName));
        var read = HostFrames.Of([.. Enumerable.Repeat<ReadOnlyMemory<byte>>(frames, Copies)], count, frameHeight, frameWidth);
        using var bytes = host.Of(read.Data, ScalarType.Byte, read.Length);
        using var made = new VideoBatchKernel(mean, std, host.Device).Apply(bytes, read.Whole(), [.. Enumerable.Repeat(view, Copies)], height, width);
        return First(made);
    }

    /// <summary>A normalised spectrogram [mels, frames] after the view's operations.</summary>
    public static float[] Spectrogram(GoldenCase golden, float[] values, int mels, SpectrogramViewAugmentation view)
    {
        using HostTensors host = new(Devices.Parse(golden.DeviceName));
        using var windows = host.Of(Enumerable.Repeat(values, Copies).SelectMany(v => v).ToArray(), ScalarType.Float32, Copies, mels, values.Length / mels);
        using var made = new SpectrogramBatchKernel(0, 1, new LogMelOptions().LogEpsilon, host.Device).Apply(windows, [.. Enumerable.Repeat(view, Copies)]);
        return First(made);
    }

    private static float[] First(Tensor made)
    {
        using var here = made.cpu();
        var all = here.data<float>().ToArray();
        var one = all.Length / Copies;
        return all.AsSpan(0, one).SequenceEqual(all.AsSpan(one)) ? all[..one] : throw new FailureException("copies of one clip came out different within a batch");
    }
}
