namespace Xkd.Pipeline;

/// <summary>Operations on a spectrogram [mels, frames] in place, with the roundings of float32 PyTorch. Working memory: one instance per thread.</summary>
public sealed class Spectrogram
{
    private readonly CubicTaps _across = new();
    private readonly CubicTaps _down = new();
    private float[] _canvas = [];
    private float[] _rows = [];

    /// <summary>
    /// Pastes the spectrogram into the middle of a zero canvas and resizes a box of the canvas back to its size, bicubic with
    /// corners aligned (BYOL-A's random resize crop).
    /// </summary>
    /// <param name="values">[mels, frames], replaced.</param>
    /// <param name="mels">Bands.</param>
    /// <param name="crop">What was drawn.</param>
    public void ResizeCrop(Span<float> values, int mels, SpectrogramCrop crop)
    {
        ArgumentNullException.ThrowIfNull(crop);
        var frames = values.Length / mels;
        (var height, var width, var drawn) = (crop.CanvasHeight, crop.CanvasWidth, crop.Box);
        // A box that sticks out of the canvas is cut at its edge, as the reference's slicing does.
        var box = drawn with { Height = Math.Min(drawn.Height, height - drawn.Top), Width = Math.Min(drawn.Width, width - drawn.Left) };
        if (height < mels || width < frames || box.Top < 0 || box.Left < 0 || box.Height < 1 || box.Width < 1)
        {
            throw new ArgumentException($"{crop} does not hold a {mels}x{frames} spectrogram and a box that begins inside.", nameof(crop));
        }
        Grow(ref _canvas, box.Height * box.Width);
        Grow(ref _rows, box.Height * frames);
        int top = (height - mels) / 2 - box.Top, left = (width - frames) / 2 - box.Left;
        var canvas = _canvas.AsSpan(0, box.Height * box.Width);
        canvas.Clear();
        // Only the box of the canvas is ever looked at, so only that is laid out.
        int from = Math.Max(left, 0), to = Math.Min(left + frames, box.Width);
        for (var row = Math.Max(top, 0); row < Math.Min(top + mels, box.Height) && from < to; row++)
        {
            values.Slice((row - top) * frames + from - left, to - from).CopyTo(canvas[(row * box.Width + from)..]);
        }
        _across.Prepare(box.Width, frames, alignCorners: true);
        _down.Prepare(box.Height, mels, alignCorners: true);
        var rows = _rows.AsSpan(0, box.Height * frames);
        Across(canvas, box.Width, rows, frames, 0, frames, box.Height);
        Down(rows, values, frames, mels);
    }

    /// <summary>Resizes the frames before and from the centre, each bicubic with edges aligned (ESPnet's time warp).</summary>
    /// <param name="values">[mels, frames], replaced.</param>
    /// <param name="mels">Bands.</param>
    /// <param name="warp">What was drawn.</param>
    public void Warp(Span<float> values, int mels, TimeWarp warp)
    {
        ArgumentNullException.ThrowIfNull(warp);
        var frames = values.Length / mels;
        if (warp.Center < 1 || warp.Center >= frames || warp.Warped < 1 || warp.Warped >= frames)
        {
            throw new ArgumentException($"{warp} needs both ends inside 1 … {frames - 1}.", nameof(warp));
        }
        Grow(ref _canvas, values.Length);
        var source = _canvas.AsSpan(0, values.Length);
        values.CopyTo(source);
        _across.Prepare(warp.Center, warp.Warped, alignCorners: false);
        Across(source, frames, values, frames, 0, warp.Warped, mels);
        _across.Prepare(frames - warp.Center, frames - warp.Warped, alignCorners: false);
        Across(source[warp.Center..], frames, values, frames, warp.Warped, frames - warp.Warped, mels);
    }

    /// <summary>Fills masks with zero or with the mean of the spectrogram as it was before the first of them.</summary>
    /// <param name="values">[mels, frames], changed.</param>
    /// <param name="mels">Bands.</param>
    /// <param name="masks">What was drawn.</param>
    /// <param name="fill">What to fill with.</param>
    public static void Mask(Span<float> values, int mels, IReadOnlyList<SpectrogramMask> masks, MaskFill fill)
    {
        ArgumentNullException.ThrowIfNull(masks);
        var frames = values.Length / mels;
        var level = fill == MaskFill.Zero || masks.Count == 0 ? 0 : Mean(values);
        for (var i = 0; i < masks.Count; i++)
        {
            var mask = masks[i];
            if (!mask.AlongTime)
            {
                values.Slice(mask.Start * frames, mask.Length * frames).Fill(level);
                continue;
            }
            for (var band = 0; band < mels; band++)
            {
                values.Slice(band * frames + mask.Start, mask.Length).Fill(level);
            }
        }
    }

    private static float Mean(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (var value in values)
        {
            sum += value;
        }
        return (float)(sum / values.Length);
    }

    private void Across(ReadOnlySpan<float> source, int sourceStride, Span<float> to, int stride, int at, int count, int rows)
    {
        ReadOnlySpan<int> index = _across.Index;
        ReadOnlySpan<float> weight = _across.Weight;
        for (var row = 0; row < rows; row++)
        {
            var line = source[(row * sourceStride)..];
            var result = to.Slice(row * stride + at, count);
            for (int i = 0, tap = 0; i < result.Length; i++, tap += 4)
            {
                result[i] = line[index[tap]] * weight[tap] + line[index[tap + 1]] * weight[tap + 1]
                    + line[index[tap + 2]] * weight[tap + 2] + line[index[tap + 3]] * weight[tap + 3];
            }
        }
    }

    private void Down(ReadOnlySpan<float> rows, Span<float> to, int frames, int count)
    {
        for (var i = 0; i < count; i++)
        {
            ReadOnlySpan<float> a = Row(rows, i, 0), b = Row(rows, i, 1), c = Row(rows, i, 2), d = Row(rows, i, 3);
            float wa = _down.Weight[4 * i], wb = _down.Weight[4 * i + 1], wc = _down.Weight[4 * i + 2], wd = _down.Weight[4 * i + 3];
            var result = to.Slice(i * frames, frames);
            for (var x = 0; x < result.Length; x++)
            {
                result[x] = a[x] * wa + b[x] * wb + c[x] * wc + d[x] * wd;
            }
        }

        ReadOnlySpan<float> Row(ReadOnlySpan<float> all, int output, int tap) => all.Slice(_down.Index[4 * output + tap] * frames, frames);
    }

    private static void Grow(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new float[length];
        }
    }
}
