namespace Xkd.Storage;

/// <summary>One clip of a committed cache: what its row says, and where its payload lies in the shard.</summary>
public sealed class ClipEntry
{
    public required string Id { get; init; }

    public required string Source { get; init; }

    public string? Label { get; init; }

    public IReadOnlyList<string> Labels { get; init; } = [];

    public string? Split { get; init; }

    /// <summary>Membership in folds, as <c>"1:train"</c>.</summary>
    public IReadOnlyList<string> Folds { get; init; } = [];

    /// <summary>Seconds from the beginning of the source.</summary>
    public double Start { get; init; }

    /// <summary>Seconds.</summary>
    public double Duration { get; init; }

    /// <summary>Frames a second.</summary>
    public double Fps { get; init; }

    public int Width { get; init; }

    public int Height { get; init; }

    /// <summary>0 for a clip without video.</summary>
    public int NumFrames { get; init; }

    /// <summary>0 for a clip without a spectrogram.</summary>
    public int MelFrames { get; init; }

    /// <summary>Stored 16-bit samples (audio codec <c>pcm</c>); otherwise 0.</summary>
    public int NumSamples { get; init; }

    /// <summary>Hertz; 0 without audio.</summary>
    public int AudioRate { get; init; }

    /// <summary>Index into <see cref="Manifest.Shards"/>.</summary>
    public int Shard { get; init; }

    /// <summary>Row in the shard.</summary>
    public int Row { get; init; }

    /// <summary>Byte offset of the frames value in the shard's file.</summary>
    public long FramesOffset { get; init; }

    /// <summary>Bytes of the frames value as stored.</summary>
    public long FramesBytes { get; init; }

    /// <summary>Byte offset of the mel value in the shard's file.</summary>
    public long MelOffset { get; init; }

    /// <summary>CRC-32C of the mel value.</summary>
    public uint MelCrc { get; init; }

    /// <summary>Bytes of one rgb24 frame: width × height × 3.</summary>
    public int FrameBytes => Width * Height * 3;

    internal long FrameCrcOffset { get; init; }

    internal long FrameOffsetsOffset { get; init; }

    internal long PcmOffset { get; init; }

    internal uint PcmCrc { get; init; }
}
