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
        (var scaledHeight, var scaledWidth) = SpatialCrops.ShortSide(height, width, size);
        var box = SpatialCrops.Three(scaledHeight, scaledWidth, size)[which];
        var frameBytes = height * width * 3;
        var count = frames.Length / frameBytes;
        if ((scaledHeight, scaledWidth) == (height, width))
        {
            // Nothing to scale, as with a cache made for this size: the vectorised kernel only cuts and normalises.
            _cut.Apply(frames, height, width, new VideoViewAugmentation { Crop = box }, size, destination);
            return;
        }

        Axis rows = new(height, scaledHeight, box.Top, size);
        Axis columns = new(width, scaledWidth, box.Left, size);
        var plane = size * size;
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
                    var line = destination.Slice((((channel * count) + frame) * plane) + (y * size), size);
                    var scale = 1 / (255 * Std[channel]);
                    var shift = -Mean[channel] / Std[channel];
                    for (var x = 0; x < line.Length; x++)
                    {
                        var left = (columns.Low[x] * 3) + channel;
                        var right = (columns.High[x] * 3) + channel;
                        var across = columns.Weight[x];
                        var top = above[left] + (across * (above[right] - above[left]));
                        var bottom = below[left] + (across * (below[right] - below[left]));
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
