namespace Xkd.Pipeline;

/// <summary>
/// Views that nothing is drawn for. Frames are scaled to a short side and cut, as the reference tests: plain bilinear, not antialiased, long side floored; then
/// normalised by ImageNet's mean and deviation. Of three crops, consecutive positions of a window are its start, centre and end. Spectrograms have no crops.
/// </summary>
internal sealed class CropAugmenter(TestCrops crops, double melMean, double melStd) : ISampleAugmenter
{
    /// <summary>Crops along the long side.</summary>
    public const int Along = 3;

    private const int Centre = 1;
    private const double ReleasedMargin = 0.875;

    // What is "drawn" for a sample is which of the three it is; the box follows from the frame.
    private static readonly ClipAugmentation[] Which =
        [.. Enumerable.Range(0, Along).Select(i => new ClipAugmentation { Video = [new VideoViewAugmentation { TestCrop = i }] })];

    private readonly VideoAugmenter _cut = new();
    private readonly ScratchPool<PlanarFrame> _frames = new(() => new PlanarFrame());

    public ClipAugmentation? Draw(in SampleKey key, int height, int width) => crops == TestCrops.Three ? Which[key.Position % Along] : null;

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, VideoDestination destination)
    {
        if (crops == TestCrops.ReleasedThree)
        {
            CutReleased(frames, height, width, size, destination.Values);
            return;
        }

        (var scaledHeight, var scaledWidth) = SpatialCrops.ShortSide(height, width, size);
        var box = SpatialCrops.Three(scaledHeight, scaledWidth, size)[drawn?.Video[0].TestCrop ?? Centre];
        if ((scaledHeight, scaledWidth) == (height, width))
        {
            // Nothing to scale, as with a cache made for this size: the vectorised kernel only cuts and normalises.
            _cut.Apply(frames, height, width, new VideoViewAugmentation { Crop = box }, size, destination);
            return;
        }

        // Only the pixels of the cut are computed.
        Axis rows = new(height, scaledHeight, box.Top, size), columns = new(width, scaledWidth, box.Left, size);
        int frameBytes = height * width * 3, count = frames.Length / frameBytes, plane = size * size;
        for (var frame = 0; frame < count; frame++)
        {
            var pixels = frames.Slice(frame * frameBytes, frameBytes);
            for (var y = 0; y < size; y++)
            {
                var above = pixels.Slice(rows.Low[y] * width * 3, width * 3);
                var below = pixels.Slice(rows.High[y] * width * 3, width * 3);
                var down = rows.Weight[y];
                for (var channel = 0; channel < 3; channel++)
                {
                    var line = destination.Values.Slice((((channel * count) + frame) * plane) + (y * size), size);
                    float scale = 1 / (255 * FrameStatistics.Std[channel]), shift = -FrameStatistics.Mean[channel] / FrameStatistics.Std[channel];
                    for (var x = 0; x < line.Length; x++)
                    {
                        int left = (columns.Low[x] * 3) + channel, right = (columns.High[x] * 3) + channel;
                        var across = columns.Weight[x];
                        var top = above[left] + (across * (above[right] - above[left]));
                        var bottom = below[left] + (across * (below[right] - below[left]));
                        line[x] = ((top + (down * (bottom - top))) * scale) + shift;
                    }
                }
            }
        }
    }

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination)
    {
        HalfFloats.Widen(logMel, destination);
        var scale = (float)(1 / melStd);
        var mean = (float)melMean;
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = (destination[i] - mean) * scale;
        }
    }

    // See TestCrops.ReleasedThree.
    private void CutReleased(ReadOnlySpan<byte> frames, int height, int width, int size, VideoDestination destination)
    {
        (var tall, var wide) = SpatialCrops.ShortSide(height, width, (int)(size / ReleasedMargin));
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
        _cut.Apply(cut, size, size, new VideoViewAugmentation { Crop = CropBox.Whole(size, size) }, size, destination);
    }

    /// <summary>Where each pixel of the cut lies between two of the source, along one axis.</summary>
    private readonly struct Axis
    {
        public Axis(int length, int scaled, int offset, int crop)
        {
            (Low, High, Weight) = (new int[crop], new int[crop], new float[crop]);
            var ratio = (float)length / scaled;
            for (var i = 0; i < crop; i++)
            {
                var position = Math.Max(0, ((i + offset + 0.5f) * ratio) - 0.5f);
                Low[i] = Math.Min((int)position, length - 1);
                High[i] = Math.Min(Low[i] + 1, length - 1);
                Weight[i] = position - Low[i];
            }
        }

        public int[] Low { get; }

        public int[] High { get; }

        public float[] Weight { get; }
    }
}
