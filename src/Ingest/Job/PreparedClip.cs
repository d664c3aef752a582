namespace Xkd.Ingest;

/// <summary>One clip's payload beyond its raw frames.</summary>
internal sealed record PreparedClip(ClipSegment Segment)
{
    /// <summary>float16, mel-major <c>[mels, frames]</c>.</summary>
    public byte[] Mel { get; init; } = [];

    public int MelFrames { get; init; }

    public double MelSum { get; init; }

    public double MelSumSquares { get; init; }

    /// <summary>16-bit samples, in caches that keep the waveform.</summary>
    public byte[] Pcm { get; init; } = [];

    /// <summary>Encoded frames, in JPEG caches.</summary>
    public (byte[] Payload, uint[] Offsets)? Jpeg { get; init; }
}
