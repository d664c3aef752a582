using System.Runtime.Intrinsics;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Turns a cached log-mel into a normalised view: volume, (value - mean) / std, resize-crop, time warp, masks. The volume of the
/// waveform is changed on the log-mel: v' = ln(f² (e^v - eps) + eps), which is the same thing up to the cache's rounding.
/// Thread-safe; after warm-up it allocates nothing.
/// </summary>
internal sealed class SpectrogramAugmenter
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

    /// <summary>Writes one view.</summary>
    /// <param name="mel">The view's own log-mel, [mels, frames].</param>
    /// <param name="mels">Bands.</param>
    /// <param name="view">What was drawn.</param>
    /// <param name="values">Receives [mels, frames].</param>
    public void Apply(ReadOnlySpan<Half> mel, int mels, SpectrogramViewAugmentation view, Span<float> values)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (values.Length != mel.Length)
        {
            throw new ArgumentException($"a view of {mel.Length} values does not fill {values.Length}.", nameof(values));
        }
        HalfFloats.Widen(mel, values);
        Normalize(values, (float)(view.Volume * view.Volume));
        var scratch = _scratch.Rent();
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
        var i = 0;
        Vector256<float> gains = Vector256.Create(gain), epsilons = Vector256.Create(_epsilon), means = Vector256.Create(_mean), stds = Vector256.Create(_std);
        for (; i <= values.Length - 8; i += 8)
        {
            var value = Vector256.Create<float>(values.Slice(i, 8));
            if (gain != 1)
            {
                value = Vector256.Log(Vector256.Max(Vector256.Exp(value) - epsilons, Vector256<float>.Zero) * gains + epsilons);
            }
            ((value - means) / stds).CopyTo(values[i..]);
        }
        for (; i < values.Length; i++)
        {
            var value = values[i];
            if (gain != 1)
            {
                value = MathF.Log(Math.Max(MathF.Exp(value) - _epsilon, 0) * gain + _epsilon);
            }
            values[i] = (value - _mean) / _std;
        }
    }
}
