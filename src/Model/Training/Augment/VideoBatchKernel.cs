using Xkd.Model.Torch;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// A batch of windows to normalised views in one go: crop-resize, flip, colour jitter in each clip's order, grayscale, blur, then
/// (value / 255 - mean) / std. The same as <see cref="VideoAugmenter"/> makes clip by clip: bit for bit, but for one level where blurred.
/// </summary>
internal sealed class VideoBatchKernel(IReadOnlyList<float> mean, IReadOnlyList<float> std, Device device)
{
    /// <summary>Makes one view of every clip.</summary>
    /// <param name="bytes">The frames read for the batch, on the device.</param>
    /// <param name="windows">Where the view's windows lie among them, of any sizes.</param>
    /// <param name="views">What was drawn, by slot.</param>
    /// <param name="height">Rows of the views.</param>
    /// <param name="width">Columns of the views.</param>
    /// <returns>float32 [batch, 3, frames, height, width].</returns>
    public Tensor Apply(Tensor bytes, HostWindows windows, IReadOnlyList<VideoViewAugmentation> views, int height, int width)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var x = empty([views.Count, 3, windows.Frames, height, width], ScalarType.Float32, device);
        foreach (var alike in Enumerable.Range(0, views.Count).GroupBy(slot => (windows.Clips[slot].Height, windows.Clips[slot].Width)))
        {
            using var inner = NewDisposeScope();
            long[] shape = [windows.Frames, alike.Key.Height, alike.Key.Width, 3];
            var size = shape.Aggregate((product, side) => product * side);
            var frames = stack([.. alike.Select(slot => bytes.narrow(0, windows.Clips[slot].Offset, size).view(shape))]);
            Put(x, [.. alike], ResizeBatch.Apply(frames, [.. alike.Select(slot => views[slot])], height, width));
        }

        Jitter(x, views);
        Change(x, Where(views, v => v.Gray), (part, _) => ColorBatch.Gray(part));
        Change(x, Where(views, v => v.Blur is not null), (part, slots) => BlurBatch.Apply(part, [.. slots.Select(slot => views[slot].Blur!)]));
        using Tensor means = tensor([.. mean], [1, 3, 1, 1, 1], device: device), stds = tensor([.. std], [1, 3, 1, 1, 1], device: device);
        return ((ColorBatch.Quotient(x, 255) - means) / stds).MoveToOuterDisposeScope();
    }

    // Place by place in the clips' orders, each operation on the clips that have it there.
    private static void Jitter(Tensor x, IReadOnlyList<VideoViewAugmentation> views)
    {
        for (var place = 0; place < views.Max(v => v.Jitter?.Order.Count ?? 0); place++)
        {
            foreach (var operation in Enum.GetValues<JitterOperation>())
            {
                var at = place;
                var slots = Where(views, v => v.Jitter is { } jitter && at < jitter.Order.Count && jitter.Order[at] == operation);
                Change(x, slots, (part, chosen) => ColorBatch.Apply(part, operation, [.. chosen.Select(slot => views[slot].Jitter!)]));
            }
        }
    }

    private static int[] Where(IReadOnlyList<VideoViewAugmentation> views, Func<VideoViewAugmentation, bool> holds) =>
        [.. Enumerable.Range(0, views.Count).Where(slot => holds(views[slot]))];

    private static void Change(Tensor x, int[] slots, Func<Tensor, int[], Tensor> change)
    {
        if (slots.Length == 0)
        {
            return;
        }

        using var scope = NewDisposeScope();
        var index = IndexOf(x, slots);
        x.index_copy_(0, index, change(x.index_select(0, index), slots));
    }

    private static void Put(Tensor x, int[] slots, Tensor part) => x.index_copy_(0, IndexOf(x, slots), part);

    private static Tensor IndexOf(Tensor x, int[] slots) => tensor([.. slots.Select(slot => (long)slot)], device: x.device);
}

/// <summary>
/// Pillow's antialiased bilinear crop-resize of whole clips of one size as two matrix products with a matrix per clip, bit for bit: a
/// 22-bit weight is split into two 11-bit halves, so that every product and sum is an integer that float32 holds exactly (up to 32
/// taps, a sixteenfold reduction), in TF32 as well. Flips are another order of the columns.
/// </summary>
internal static class ResizeBatch
{
    private const int HalfBits = 11, Half = 1 << HalfBits;

    /// <summary>Crops, resizes and flips.</summary>
    /// <param name="frames">uint8 [n, T, H, W, 3].</param>
    /// <param name="views">What was drawn, n.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <returns>Whole numbers 0 … 255 as float32 [n, 3, T, height, width].</returns>
    public static Tensor Apply(Tensor frames, IReadOnlyList<VideoViewAugmentation> views, int height, int width)
    {
        using var scope = NewDisposeScope();
        (var n, var time, var rows, var columns) = (frames.shape[0], frames.shape[1], frames.shape[2], frames.shape[3]);
        var across = Halves([.. views.Select(v => (v.Crop.Left, v.Crop.Width, v.Flip))], width, (int)columns, frames.device); // [n, 2·width, W]
        var down = Halves([.. views.Select(v => (v.Crop.Top, v.Crop.Height, false))], height, (int)rows, frames.device); // [n, 2·height, H]
        var x = frames.permute(0, 4, 1, 2, 3).to(ScalarType.Float32).reshape(n, 3 * time * rows, columns); // [n, 3TH, W]
        x = Round(bmm(x, across.transpose(1, 2)), dim: 2, width); // [n, 3TH, width]
        x = x.view(n, 3 * time, rows, width).transpose(1, 2).reshape(n, rows, 3 * time * width); // [n, H, 3T·width]
        x = Round(bmm(down, x), dim: 1, height); // [n, height, 3T·width]
        return x.view(n, height, 3 * time, width).transpose(1, 2).reshape(n, 3, time, height, width).MoveToOuterDisposeScope();
    }

    // floor((high · 2^11 + low + 2^21) / 2^22), without leaving the integers of float32.
    private static Tensor Round(Tensor halves, int dim, int count)
    {
        using Tensor high = halves.narrow(dim, 0, count), low = halves.narrow(dim, count, count);
        return high.Add(low.Div(Half).floor()).Add(Half / 2).Div(Half).floor();
    }

    // The high halves' matrix above the low halves': one product for both.
    private static Tensor Halves((int First, int Length, bool Flip)[] crops, int outputs, int inputs, Device device)
    {
        var taps = new ResizeTaps[crops.Length];
        for (var clip = 0; clip < crops.Length; clip++)
        {
            taps[clip] = new ResizeTaps();
            taps[clip].Prepare(crops[clip].Length, outputs);
        }

        TapMatrix matrix = new(crops.Length, 2 * outputs, taps.Max(t => t.MaxCount));
        for (var clip = 0; clip < crops.Length; clip++)
        {
            (var first, _, var flip) = crops[clip];
            for (var i = 0; i < outputs; i++)
            {
                var output = flip ? outputs - 1 - i : i;
                for (var tap = 0; tap < taps[clip].Count[i]; tap++)
                {
                    int weight = taps[clip].Weights[(i * taps[clip].Stride) + tap], input = first + taps[clip].First[i] + tap;
                    matrix.Set(clip, output, tap, input, weight >> HalfBits);
                    matrix.Set(clip, outputs + output, tap, input, weight & (Half - 1));
                }
            }
        }

        using var dense = matrix.Dense(inputs, device);
        return dense.to(ScalarType.Float32);
    }
}
