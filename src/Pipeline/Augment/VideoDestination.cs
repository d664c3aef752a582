namespace Xkd.Pipeline;

/// <summary>Where a video view [3, frames, height, width] is written: as levels 0 … 255, or normalised by <see cref="FrameStatistics"/>.</summary>
public readonly ref struct VideoDestination
{
    public VideoDestination(Span<byte> levels) => Levels = levels;

    public VideoDestination(Span<float> values) => Values = values;

    /// <summary>Empty where normalised values are wanted.</summary>
    public Span<byte> Levels { get; }

    /// <summary>Empty where levels are wanted.</summary>
    public Span<float> Values { get; }

    public int Length => Levels.Length + Values.Length;

    public static implicit operator VideoDestination(Span<byte> levels) => new(levels);

    public static implicit operator VideoDestination(Span<float> values) => new(values);

    public static implicit operator VideoDestination(byte[] levels) => new(levels);

    public static implicit operator VideoDestination(float[] values) => new(values);

    /// <summary>Writes a frame's channels.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="t">Its number.</param>
    /// <param name="frames">Frames of the view.</param>
    internal void Write(PlanarFrame frame, int t, int frames)
    {
        for (var channel = 0; channel < 3; channel++)
        {
            var at = ((channel * frames) + t) * frame.Pixels;
            if (Values.IsEmpty)
            {
                frame.CopyTo(channel, Levels.Slice(at, frame.Pixels));
            }
            else
            {
                frame.Normalize(channel, FrameStatistics.Mean[channel], FrameStatistics.Std[channel], Values.Slice(at, frame.Pixels));
            }
        }
    }
}
