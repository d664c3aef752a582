namespace Xkd.Pipeline;

/// <summary>
/// Frames scaled to a short side and cut, as the reference tests: plain bilinear, not antialiased, long side floored; then normalised by ImageNet's mean and
/// deviation. Only the pixels of the cut are computed.
/// </summary>
internal sealed class ScaledCrop
{
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Std = [0.229f, 0.224f, 0.225f];
    private readonly VideoAugmenter _cut = new(Mean, Std);

    /// <summary>Writes one view.</summary>
    /// <param name="frames">rgb24 [frames, height, width, 3].</param>
    /// <param name="height">Pixels.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="size">Short side after scaling, and side of the cut.</param>
    /// <param name="which">0, 1 or 2: start, centre or end of the long side.</param>
    /// <param name="destination">Receives [3, frames, size, size].</param>
    public void Apply(ReadOnlySpan<byte> frames, int height, int width, int size, int which, Span<float> destination)
    {
        (int scaledHeight, int scaledWidth) = SpatialCrops.ShortSide(height, width, size);
        CropBox box = SpatialCrops.Three(scaledHeight, scaledWidth, size)[which];
        int frameBytes = height * width * 3;
        int count = frames.Length / frameBytes;
        if ((scaledHeight, scaledWidth) == (height, width))
        {
            // Nothing to scale, as with a cache made for this size: the vectorised kernel only cuts and normalises.
            _cut.Apply(frames, height, width, new VideoViewAugmentation { Crop = box }, size, destination);
            return;
        }

        Axis rows = new(height, scaledHeight, box.Top, size);
        Axis columns = new(width, scaledWidth, box.Left, size);
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

    /// <summary>Where each pixel of the cut lies between two of the source, along one axis.</summary>
    private readonly struct Axis
    {
        public Axis(int length, int scaled, int offset, int crop)
        {
            (Low, High, Weight) = (new int[crop], new int[crop], new float[crop]);
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
