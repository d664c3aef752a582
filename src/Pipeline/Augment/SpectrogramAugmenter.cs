using System.Runtime.Intrinsics;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Turns a cached log-mel into a normalised view: volume, (value - mean) / std, resize-crop, time warp, masks. The volume of the
/// waveform is changed on the log-mel: v' = ln(f² (e^v - eps) + eps), which is the same thing up to the cache's rounding.
/// Thread-safe; after warm-up it allocates nothing.
/// </summary>
public sealed class SpectrogramAugmenter
{
    private readonly ScratchPool<Spectrogram> _scratch = new(() => new Spectrogram());
    private readonly float _mean;
    private readonly float _std;
    private readonly float _epsilon;

    /// <param name="mean">Mean of the data's log-mel.</param>
    /// <param name="std">Its standard deviation, positive.</param>
    /// <param name="logEpsilon">The epsilon inside the cached logarithm.</param>
    public SpectrogramAugmenter(double mean, double std, double logEpsilon = 1.1920928955078125e-07)
    {
        if (!(std > 0))
        {
            throw new UsageException($"mel standard deviation is {std}: it must be positive.");
        }
        (_mean, _std, _epsilon) = ((float)mean, (float)std, (float)logEpsilon);
    }

    /// <summary>Writes one view of a cached float16 spectrogram.</summary>
    /// <param name="mel">Log-mel, [mels, stride].</param>
    /// <param name="mels">Bands.</param>
    /// <param name="windowStart">First frame of the window within <paramref name="mel"/>; frames past its end are silence.</param>
    /// <param name="view">What was drawn.</param>
    /// <param name="frames">Frames of the view.</param>
    /// <param name="destination">Receives [mels, frames].</param>
    public void Apply(ReadOnlySpan<Half> mel, int mels, int windowStart, SpectrogramViewAugmentation view, int frames, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(view);
        int stride = mel.Length / mels, first = windowStart + view.FirstFrame;
        int present = Present(stride, first, mels, frames, destination);
        for (int band = 0; band < mels && present > 0; band++)
        {
            HalfFloats.Widen(mel.Slice(band * stride + first, present), destination[(band * frames)..]);
        }
        Finish(destination, mels, frames, present, view);
    }

    /// <summary>Writes one view of a float32 spectrogram; otherwise as for float16.</summary>
    /// <param name="mel">Log-mel, [mels, stride].</param>
    /// <param name="mels">Bands.</param>
    /// <param name="windowStart">First frame of the window within <paramref name="mel"/>; frames past its end are silence.</param>
    /// <param name="view">What was drawn.</param>
    /// <param name="frames">Frames of the view.</param>
    /// <param name="destination">Receives [mels, frames].</param>
    public void Apply(ReadOnlySpan<float> mel, int mels, int windowStart, SpectrogramViewAugmentation view, int frames, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(view);
        int stride = mel.Length / mels, first = windowStart + view.FirstFrame;
        int present = Present(stride, first, mels, frames, destination);
        for (int band = 0; band < mels && present > 0; band++)
        {
            mel.Slice(band * stride + first, present).CopyTo(destination[(band * frames)..]);
        }
        Finish(destination, mels, frames, present, view);
    }

    private static int Present(int stride, int first, int mels, int frames, Span<float> destination)
    {
        if (destination.Length != mels * frames)
        {
            throw new ArgumentException($"a view of {mels}x{frames} does not fill {destination.Length} values.", nameof(destination));
        }
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        return Math.Clamp(stride - first, 0, frames);
    }

    private void Finish(Span<float> values, int mels, int frames, int present, SpectrogramViewAugmentation view)
    {
        float silence = MathF.Log(_epsilon);
        for (int band = 0; band < mels; band++)
        {
            values.Slice(band * frames + present, frames - present).Fill(silence);
        }
        Normalize(values, (float)(view.Volume * view.Volume));
        Spectrogram scratch = _scratch.Rent();
        if (view.ResizeCrop is not null)
        {
            scratch.ResizeCrop(values, mels, view.ResizeCrop);
        }
        if (view.Warp is not null)
        {
            scratch.Warp(values, mels, view.Warp);
        }
        Spectrogram.Mask(values, mels, view.Masks, view.MaskFill);
        _scratch.Return(scratch);
    }

    private void Normalize(Span<float> values, float gain)
    {
        int i = 0;
        Vector256<float> gains = Vector256.Create(gain), epsilons = Vector256.Create(_epsilon), means = Vector256.Create(_mean), stds = Vector256.Create(_std);
        for (; i <= values.Length - 8; i += 8)
        {
            Vector256<float> value = Vector256.Create<float>(values.Slice(i, 8));
            if (gain != 1)
            {
                value = Vector256.Log(Vector256.Max(Vector256.Exp(value) - epsilons, Vector256<float>.Zero) * gains + epsilons);
            }
            ((value - means) / stds).CopyTo(values[i..]);
        }
        for (; i < values.Length; i++)
        {
            float value = values[i];
            if (gain != 1)
            {
                value = MathF.Log(Math.Max(MathF.Exp(value) - _epsilon, 0) * gain + _epsilon);
            }
            values[i] = (value - _mean) / _std;
        }
    }
}
