using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Augment;

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
        Tensor x = empty([views.Count, 3, windows.Frames, height, width], ScalarType.Float32, device);
        foreach (IGrouping<(int Height, int Width), int> alike in Enumerable.Range(0, views.Count).GroupBy(slot => (windows.Clips[slot].Height, windows.Clips[slot].Width)))
        {
            using var inner = NewDisposeScope();
            long size = (long)windows.Frames * alike.Key.Height * alike.Key.Width * 3;
            Tensor frames = stack([.. alike.Select(slot => bytes.narrow(0, windows.Clips[slot].Offset, size).view(windows.Frames, alike.Key.Height, alike.Key.Width, 3))]);
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
        for (int place = 0; place < views.Max(v => v.Jitter?.Order.Count ?? 0); place++)
        {
            foreach (JitterOperation operation in Enum.GetValues<JitterOperation>())
            {
                int at = place;
                int[] slots = Where(views, v => v.Jitter is { } jitter && at < jitter.Order.Count && jitter.Order[at] == operation);
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
        Tensor index = IndexOf(x, slots);
        x.index_copy_(0, index, change(x.index_select(0, index), slots));
    }

    private static void Put(Tensor x, int[] slots, Tensor part) => x.index_copy_(0, IndexOf(x, slots), part);

    private static Tensor IndexOf(Tensor x, int[] slots) => tensor([.. slots.Select(slot => (long)slot)], device: x.device);
}
