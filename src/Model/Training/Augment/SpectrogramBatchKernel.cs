using Xkd.Model.Torch;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// A batch of log-mel windows to normalised views in one go: volume, (value - mean) / std, resize-crop, time warp, masks. The same as
/// <see cref="SpectrogramAugmenter"/> makes clip by clip, to the rounding of float32.
/// </summary>
internal sealed class SpectrogramBatchKernel(double mean, double std, double logEpsilon, Device device)
{
    private const int CubicCount = 4;

    /// <summary>Makes one view of every clip.</summary>
    /// <param name="mel">Log-mel, float16 or float32 [batch, mels, frames].</param>
    /// <param name="views">What was drawn, by row.</param>
    /// <returns>float32 [batch, 1, mels, frames].</returns>
    public Tensor Apply(Tensor mel, IReadOnlyList<SpectrogramViewAugmentation> views)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var x = Volume(mel.to(ScalarType.Float32), views).Add(-(float)mean).Div((float)std);
        x = Change(x, views, v => v.ResizeCrop is not null, ResizeCrop);
        x = Change(x, views, v => v.Warp is not null, Warp);
        x = Change(x, views, v => v.Masks.Count > 0, Mask);
        return x.unsqueeze(1).MoveToOuterDisposeScope();
    }

    private Tensor Volume(Tensor x, IReadOnlyList<SpectrogramViewAugmentation> views)
    {
        float[] gains = [.. views.Select(v => (float)(v.Volume * v.Volume))];
        var gain = tensor(gains, [gains.Length, 1, 1], device: device);
        var changed = (x.exp().Add(-(float)logEpsilon).ClampMin(0) * gain).Add((float)logEpsilon).log();
        return where(gain.eq(ones_like(gain)), x, changed);
    }

    private Tensor ResizeCrop(Tensor x, IReadOnlyList<SpectrogramViewAugmentation> views)
    {
        (var mels, var frames) = ((int)x.shape[1], (int)x.shape[2]);
        TapMatrix down = new(views.Count, mels, CubicCount), across = new(views.Count, frames, CubicCount);
        CubicTaps taps = new();
        for (var i = 0; i < views.Count; i++)
        {
            var crop = views[i].ResizeCrop!;
            var box = crop.Box;
            Fill(down, i, taps, (crop.CanvasHeight - mels) / 2, box.Top, Math.Min(box.Height, crop.CanvasHeight - box.Top), mels);
            Fill(across, i, taps, (crop.CanvasWidth - frames) / 2, box.Left, Math.Min(box.Width, crop.CanvasWidth - box.Left), frames);
        }

        var rows = bmm(x.to(ScalarType.Float64), across.Dense(frames, device).transpose(1, 2));
        return bmm(down.Dense(mels, device), rows).to(ScalarType.Float32);
    }

    // One axis of a box of the canvas, resized to the axis's length. The canvas is zero outside the spectrogram: taps there weigh nothing.
    private static void Fill(TapMatrix matrix, int clip, CubicTaps taps, int pasted, int first, int length, int side)
    {
        taps.Prepare(length, side, alignCorners: true);
        for (var i = 0; i < side; i++)
        {
            for (var tap = 0; tap < CubicCount; tap++)
            {
                var input = first + taps.Index[(CubicCount * i) + tap] - pasted;
                var inside = input >= 0 && input < side;
                matrix.Set(clip, i, tap, inside ? input : 0, inside ? taps.Weight[(CubicCount * i) + tap] : 0);
            }
        }
    }

    private Tensor Warp(Tensor x, IReadOnlyList<SpectrogramViewAugmentation> views)
    {
        var frames = (int)x.shape[2];
        TapMatrix matrix = new(views.Count, frames, CubicCount);
        CubicTaps taps = new();
        for (var clip = 0; clip < views.Count; clip++)
        {
            var warp = views[clip].Warp!;
            Part(clip, from: 0, warp.Center, to: 0, warp.Warped);
            Part(clip, warp.Center, frames - warp.Center, warp.Warped, frames - warp.Warped);
        }

        return bmm(x.to(ScalarType.Float64), matrix.Dense(frames, device).transpose(1, 2)).to(ScalarType.Float32);

        void Part(int clip, int from, int length, int to, int count)
        {
            taps.Prepare(length, count, alignCorners: false);
            for (var i = 0; i < count; i++)
            {
                for (var tap = 0; tap < CubicCount; tap++)
                {
                    matrix.Set(clip, to + i, tap, from + taps.Index[(CubicCount * i) + tap], taps.Weight[(CubicCount * i) + tap]);
                }
            }
        }
    }

    private Tensor Mask(Tensor x, IReadOnlyList<SpectrogramViewAugmentation> views)
    {
        (var mels, var frames) = ((int)x.shape[1], (int)x.shape[2]);
        bool[] bands = new bool[views.Count * mels], times = new bool[views.Count * frames], filled = [.. views.Select(v => v.MaskFill == MaskFill.Mean)];
        for (var clip = 0; clip < views.Count; clip++)
        {
            foreach (var mask in views[clip].Masks)
            {
                (var along, var side) = mask.AlongTime ? (times, frames) : (bands, mels);
                along.AsSpan((clip * side) + mask.Start, mask.Length).Fill(true);
            }
        }

        var masked = tensor(bands, [views.Count, mels, 1], device: device).logical_or(tensor(times, [views.Count, 1, frames], device: device));
        var average = x.mean([1, 2], keepdim: true, type: ScalarType.Float64).to(ScalarType.Float32);
        var level = average * tensor(filled, [views.Count, 1, 1], device: device).to(ScalarType.Float32);
        return where(masked, level, x);
    }

    private Tensor Change(
        Tensor x,
        IReadOnlyList<SpectrogramViewAugmentation> views,
        Func<SpectrogramViewAugmentation, bool> holds,
        Func<Tensor, IReadOnlyList<SpectrogramViewAugmentation>, Tensor> change)
    {
        long[] rows = [.. Enumerable.Range(0, views.Count).Where(row => holds(views[row])).Select(row => (long)row)];
        if (rows.Length == 0)
        {
            return x;
        }

        var index = tensor(rows, device: device);
        return x.index_copy(0, index, change(x.index_select(0, index), [.. rows.Select(row => views[(int)row])]));
    }
}

/// <summary>
/// Resampling along one axis as one matrix per clip, made on the device of a few taps per output: [clips, outputs, inputs] from indices
/// and weights [clips, outputs, taps]. Taps at the same input add up; a tap of weight 0 may point anywhere inside.
/// </summary>
internal sealed class TapMatrix(int clips, int outputs, int taps)
{
    private readonly long[] _index = new long[clips * outputs * taps];
    private readonly double[] _weight = new double[clips * outputs * taps];

    public void Set(int clip, int output, int tap, int input, double weight)
    {
        var at = (((clip * outputs) + output) * taps) + tap;
        (_index[at], _weight[at]) = (input, weight);
    }

    /// <summary>The matrices, float64 [clips, outputs, inputs].</summary>
    public Tensor Dense(int inputs, Device device)
    {
        using var index = tensor(_index, [clips, outputs, taps], device: device);
        using var weight = tensor(_weight, [clips, outputs, taps], device: device);
        return zeros([clips, outputs, inputs], ScalarType.Float64, device).scatter_add_(2, index, weight);
    }
}
