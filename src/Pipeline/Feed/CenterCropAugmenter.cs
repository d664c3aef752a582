namespace Xkd.Pipeline;

/// <summary>
/// No augmentation: frames scaled to the short side and cut at the centre, as the reference tests (plain bilinear, not antialiased;
/// long side floored; offset rounded up), normalised by ImageNet's mean and deviation; spectrograms normalised.
/// </summary>
internal sealed class CenterCropAugmenter(double melMean, double melStd) : ISampleAugmenter
{
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Std = [0.229f, 0.224f, 0.225f];
    private readonly VideoAugmenter _cut = new(Mean, Std);

    public ClipAugmentation? Draw(in SampleKey key, int height, int width) => null;

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, Span<float> destination)
    {
        (int scaledHeight, int scaledWidth) = SpatialCrops.ShortSide(height, width, size);
        if ((scaledHeight, scaledWidth) == (height, width))
        {
            // Nothing to scale, as with a cache made for this size: the vectorised kernel only cuts and normalises.
            CropBox center = new((height - size + 1) / 2, (width - size + 1) / 2, size, size);
            _cut.Apply(frames, height, width, new VideoViewAugmentation { Crop = center }, frames.Length / (height * width * 3), size, destination);
            return;
        }

        Axis rows = new(height, scaledHeight, size);
        Axis columns = new(width, scaledWidth, size);
        int frameBytes = height * width * 3;
        int count = frames.Length / frameBytes;
        int plane = size * size;
        for (int frame = 0; frame < count; frame++)
        {
            ReadOnlySpan<byte> pixels = frames.Slice(frame * frameBytes, frameBytes);
            for (int y = 0; y < size; y++)
            {
                ReadOnlySpan<byte> above = pixels.Slice(rows.Low[y] * width * 3, width * 3);
                ReadOnlySpan<byte> below = pixels.Slice(rows.High[y] * width * 3, width * 3);
                float down = rows.Weight[y];
                for (int channel = 0; channel < 3; channel++)
                {
                    Span<float> line = destination.Slice((((channel * count) + frame) * plane) + (y * size), size);
                    float scale = 1 / (255 * Std[channel]);
                    float shift = -Mean[channel] / Std[channel];
                    for (int x = 0; x < line.Length; x++)
                    {
                        int left = (columns.Low[x] * 3) + channel;
                        int right = (columns.High[x] * 3) + channel;
                        float across = columns.Weight[x];
                        float top = above[left] + (across * (above[right] - above[left]));
                        float bottom = below[left] + (across * (below[right] - below[left]));
                        line[x] = ((top + (down * (bottom - top))) * scale) + shift;
                    }
                }
            }
        }
    }

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination)
    {
        HalfFloats.Widen(logMel, destination);
        float scale = (float)(1 / melStd);
        float mean = (float)melMean;
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = (destination[i] - mean) * scale;
        }
    }

    /// <summary>Where each pixel of the crop lies between two of the source, along one axis.</summary>
    private readonly struct Axis
    {
        public Axis(int length, int scaled, int crop)
        {
            (Low, High, Weight) = (new int[crop], new int[crop], new float[crop]);
            int offset = (scaled - crop + 1) / 2;
            float ratio = (float)length / scaled;
            for (int i = 0; i < crop; i++)
            {
                float position = Math.Max(0, ((i + offset + 0.5f) * ratio) - 0.5f);
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
