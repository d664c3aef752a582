namespace Xkd.Ingest;

/// <summary>One source's frames and samples.</summary>
internal sealed class DecodedMedia(Spool frames, Spool samples) : IDisposable
{
    /// <summary>rgb24 <c>[frames, height, width, 3]</c>.</summary>
    public Spool Frames { get; } = frames;

    /// <summary>float32 mono samples, little endian.</summary>
    public Spool Samples { get; } = samples;

    /// <summary>Pixels; 0 without video.</summary>
    public int Width { get; set; }

    /// <summary>Pixels; 0 without video.</summary>
    public int Height { get; set; }

    /// <summary>What is remarkable about the source though it was decoded.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];

    /// <summary>Bytes of one frame; 0 without video.</summary>
    public int FrameBytes => Width * Height * 3;

    public int NumFrames => FrameBytes == 0 ? 0 : checked((int)(Frames.Length / FrameBytes));

    public long NumSamples => Samples.Length / sizeof(float);

    /// <summary>Bytes held in memory.</summary>
    public long Resident => Frames.Resident + Samples.Resident;

    /// <summary>Gives a source without video black square frames.</summary>
    public void AddBlackFrames(int side, int count)
    {
        (Width, Height) = (side, side);
        WriteZeros(Frames, (long)count * FrameBytes);
        Warnings = [.. Warnings, "no video stream: black frames stand in"];
    }

    /// <summary>Gives a source without audio silence.</summary>
    public void AddSilence(long samples)
    {
        WriteZeros(Samples, samples * sizeof(float));
        Warnings = [.. Warnings, "no audio stream: silence stands in"];
    }

    /// <summary>Lengthens picture and sound to so many frames and samples with black frames and silence.</summary>
    public void Lengthen(int frames, long samples, double fps, int rate)
    {
        if (frames > NumFrames)
        {
            Warnings = [.. Warnings, FormattableString.Invariant($"the picture ends after {NumFrames / fps:F2} s of {frames / fps:F2} s: black frames stand in")];
            WriteZeros(Frames, (long)(frames - NumFrames) * FrameBytes);
        }

        if (samples > NumSamples)
        {
            Warnings = [.. Warnings, FormattableString.Invariant($"the sound ends after {(double)NumSamples / rate:F2} s of {(double)samples / rate:F2} s: silence stands in")];
            WriteZeros(Samples, (samples - NumSamples) * sizeof(float));
        }
    }

    private static void WriteZeros(Spool spool, long count)
    {
        var zeros = new byte[1 << 16];
        for (; count > 0; count -= zeros.Length)
        {
            spool.Write(zeros.AsSpan(0, (int)Math.Min(count, zeros.Length)));
        }
    }

    public void Dispose()
    {
        Frames.Dispose();
        Samples.Dispose();
    }
}
