namespace Xkd.Storage;

/// <summary>
/// One clip on its way into a cache: a row. The writer copies what it keeps, so buffers may be reused as soon as
/// <see cref="CacheWriter.AppendAsync"/> returns.
/// </summary>
public sealed record ClipRecord
{
    public required string Id { get; init; }

    /// <summary>The <see cref="LedgerEntry.Id"/> it belongs to: the id itself, or the id without <c>#k</c>.</summary>
    public required string SourceItem { get; init; }

    public string Source { get; init; } = "";

    public string? Label { get; init; }

    public IReadOnlyList<string> Labels { get; init; } = [];

    public string? Split { get; init; }

    /// <summary>Membership in the dataset's folds, as <c>"1:train"</c>.</summary>
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

    /// <summary>rgb24 <c>[frames, height, width, 3]</c>; or, with <see cref="FrameOffsets"/>, concatenated JPEGs.</summary>
    public ReadOnlyMemory<byte> Frames { get; init; }

    /// <summary>
    /// Where each JPEG begins in <see cref="Frames"/> and, last, where the last one ends: NumFrames + 1 values (<see cref="JpegFrames"/> makes both).
    /// Empty when <see cref="Frames"/> is rgb24; a JPEG cache then encodes on append.
    /// </summary>
    public ReadOnlyMemory<uint> FrameOffsets { get; init; }

    /// <summary>0 for a clip without a spectrogram.</summary>
    public int MelFrames { get; init; }

    /// <summary>float16 little endian, mel-major <c>[mels, frames]</c>.</summary>
    public ReadOnlyMemory<byte> Mel { get; init; }

    /// <summary>16-bit little endian mono samples, for caches of audio codec <c>pcm</c>; otherwise empty.</summary>
    public ReadOnlyMemory<byte> Pcm { get; init; }

    /// <summary>Hertz of the source's audio after resampling; 0 without audio.</summary>
    public int AudioRate { get; init; }

    /// <summary>Sum of the log-mel values, for the cache's statistics; of a waveform those its log-mel would have.</summary>
    public double MelSum { get; init; }

    /// <summary>Sum of the squared log-mel values.</summary>
    public double MelSumSquares { get; init; }
}
