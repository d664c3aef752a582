namespace Xkd.Pipeline;

/// <summary>The released <c>strong3crop</c>: see <see cref="TestCrops.ReleasedThree"/>.</summary>
internal sealed class ReleasedCropAugmenter(double melMean, double melStd) : ISampleAugmenter
{
    private const double Margin = 0.875;
    private readonly ScratchPool<PlanarFrame> _frames = new(() => new PlanarFrame());
    private readonly VideoAugmenter _normalise = new();
    private readonly CenterCropAugmenter _plain = new(melMean, melStd);

    public ClipAugmentation? Draw(in SampleKey key, int height, int width) => null;

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, Span<float> destination)
    {
        (var tall, var wide) = SpatialCrops.ShortSide(height, width, (int)(size / Margin));
        var box = CropBox.Centered(tall, wide, size, size);
        int frameBytes = height * width * 3, count = frames.Length / frameBytes;
        byte[] scaled = new byte[tall * wide * 3], cut = new byte[count * size * size * 3];
        var frame = _frames.Rent();
        frame.PrepareResize(CropBox.Whole(height, width), tall, wide);
        for (var t = 0; t < count; t++)
        {
            frame.LoadResized(frames.Slice(t * frameBytes, frameBytes), width);
            frame.CopyTo(scaled);
            for (var y = 0; y < size; y++)
            {
                scaled.AsSpan((((box.Top + y) * wide) + box.Left) * 3, size * 3).CopyTo(cut.AsSpan(((t * size) + y) * size * 3));
            }
        }

        _frames.Return(frame);
        _normalise.Apply(cut, size, size, new VideoViewAugmentation { Crop = CropBox.Whole(size, size) }, size, destination);
    }

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination) =>
        _plain.Audio(drawn, view, logMel, mels, destination);
}
