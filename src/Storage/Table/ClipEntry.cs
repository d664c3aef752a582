using System.Collections.ObjectModel;
using System.ComponentModel.DataAnnotations.Schema;
using System.Diagnostics.CodeAnalysis;

namespace Xkd.Storage;

/// <summary>
/// One clip of a cache: a row of its index. This record declares the index: each property that is stored is a column of the same name, and whoever adds one adds it here and where its value comes from.
/// </summary>
public record ClipEntry
{
    public required string Id { get; init; }

    /// <summary>The <see cref="LedgerEntry.Id"/> it belongs to, where that is another than its own: of a segment <c>ITEM#k</c> it is <c>ITEM</c>.</summary>
    public string? Item { get; init; }

    /// <summary>Where the media came from.</summary>
    public string Source { get; init; } = "";

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

    /// <summary>Hertz of the source's audio after resampling; 0 without audio.</summary>
    public int AudioRate { get; init; }

    /// <summary>Sum of the log-mel values, for the cache's statistics; of a waveform those its log-mel would have.</summary>
    public double MelSum { get; init; }

    /// <summary>Sum of the squared log-mel values.</summary>
    public double MelSumSquares { get; init; }

    /// <summary>XXH3 (64 bits) of the mel value.</summary>
    public ulong MelHash { get; init; }

    /// <summary>XXH3 (64 bits) of the pcm value.</summary>
    public ulong PcmHash { get; init; }

    /// <summary>Row in the shard.</summary>
    public int Row { get; init; }

    /// <summary>Byte offset of the frames value in the shard's file.</summary>
    public long FramesOffset { get; init; }

    /// <summary>Bytes of the frames value as stored.</summary>
    public long FramesBytes { get; init; }

    /// <summary>Byte offset of the frames' XXH3 hashes, 8 bytes each.</summary>
    public long FrameHashOffset { get; init; }

    /// <summary>Byte offset of where each JPEG begins and the last ends, uint32 each.</summary>
    public long FrameOffsetsOffset { get; init; }

    /// <summary>Byte offset of the mel value in the shard's file.</summary>
    public long MelOffset { get; init; }

    /// <summary>Byte offset of the pcm value in the shard's file.</summary>
    public long PcmOffset { get; init; }

    /// <summary>Path of the shard below the cache.</summary>
    [Column("shard")]
    public string ShardPath { get; init; } = "";

    /// <summary>Index into <see cref="Manifest.Shards"/> of the version it was read from.</summary>
    [NotMapped]
    public int Shard { get; internal set; }

    /// <summary>Values of columns that were added to the cache; null where they name no value for this clip.</summary>
    [NotMapped]
    public IReadOnlyDictionary<string, object?> Added { get; internal init; } = ReadOnlyDictionary<string, object?>.Empty;

    /// <summary>Bytes of one rgb24 frame: width × height × 3.</summary>
    public int FrameBytes => Width * Height * 3;

    /// <summary>The row alone, without what a derived record adds to it.</summary>
    internal ClipEntry Bare() => new(this);

    /// <summary>Spectrogram frames that the sums are over: of a waveform those it would have.</summary>
    internal int MelStatisticFrames(Fingerprint fingerprint) => MelFrames > 0 ? MelFrames : NumSamples > 0 ? 1 + (NumSamples / fingerprint.Hop) : 0;
}

/// <summary>
/// One clip on its way into a cache: its row, as far as the writer does not compute it, and its payload. The writer copies what it keeps, so buffers may be reused as soon as
/// <see cref="CacheWriter.AppendAsync"/> returns.
/// </summary>
public sealed record ClipRecord : ClipEntry
{
    public ClipRecord()
    {
    }

    /// <summary>A clip of a cache, without its payload yet.</summary>
    [SetsRequiredMembers]
    internal ClipRecord(ClipEntry clip)
        : base(clip) => SourceItem = clip.Item ?? clip.Id;

    /// <summary>The <see cref="LedgerEntry.Id"/> it belongs to: the id itself, or the id without <c>#k</c>.</summary>
    public required string SourceItem { get; init; }

    /// <summary>rgb24 <c>[frames, height, width, 3]</c>; or, with <see cref="FrameOffsets"/>, concatenated JPEGs.</summary>
    public ReadOnlyMemory<byte> Frames { get; init; }

    /// <summary>
    /// Where each JPEG begins in <see cref="Frames"/> and, last, where the last one ends: NumFrames + 1 values (<see cref="JpegFrames"/> makes both).
    /// Empty when <see cref="Frames"/> is rgb24; a JPEG cache then encodes on append.
    /// </summary>
    public ReadOnlyMemory<uint> FrameOffsets { get; init; }

    /// <summary>One of the JPEGs.</summary>
    internal ReadOnlyMemory<byte> Jpeg(int frame) => Frames[(int)FrameOffsets.Span[frame]..(int)FrameOffsets.Span[frame + 1]];

    /// <summary>float16 little endian, mel-major <c>[mels, frames]</c>.</summary>
    public ReadOnlyMemory<byte> Mel { get; init; }

    /// <summary>16-bit little endian mono samples, for caches of audio codec <c>pcm</c>; otherwise empty.</summary>
    public ReadOnlyMemory<byte> Pcm { get; init; }
}
