namespace Xkd.Ingest;

/// <summary>One source's frames and samples.</summary>
internal sealed class DecodedMedia(Spool frames, Spool samples) : IDisposable
{
    /// <summary>rgb24 <c>[frames, height, width, 3]</c>.</summary>
    public Spool Frames { get; } = frames;

    /// <summary>float32 mono samples, little endian.</summary>
    public Spool Samples { get; } = samples;

    /// <summary>Pixels; 0 without video.</summary>
    public int Width { get; init; }

    /// <summary>Pixels; 0 without video.</summary>
    public int Height { get; init; }

    /// <summary>What is remarkable about the source though it was decoded.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Bytes of one frame; 0 without video.</summary>
    public int FrameBytes => Width * Height * 3;

    public int NumFrames => FrameBytes == 0 ? 0 : checked((int)(Frames.Length / FrameBytes));

    public long NumSamples => Samples.Length / sizeof(float);

    /// <summary>Bytes held in memory.</summary>
    public long Resident => Frames.Resident + Samples.Resident;

    public void Dispose()
    {
        Frames.Dispose();
        Samples.Dispose();
    }
}
