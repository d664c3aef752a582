using Xkd.Pipeline;

namespace Xkd.Ingest;

/// <summary>An item ready to be written: its clips, or why there are none.</summary>
internal sealed record PreparedItem(SourceItem Source, int Attempts) : IOutcome, IPayload, IDisposable
{
    /// <summary>Its file as it was before it was read; null where there was none.</summary>
    public FileStamp? Stamp { get; init; }

    public DecodedMedia? Media { get; init; }

    public IReadOnlyList<PreparedClip> Clips { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];

    public ItemFailure? Failure { get; init; }

    public bool Failed => Failure is not null;

    // Less than the decoded item's: a spectrogram has a quarter of its samples' bytes, JPEGs a tenth of their frames'.
    public long Bytes => (Media?.Resident ?? 0) + Clips.Sum(static clip => (long)clip.Mel.Length + clip.Pcm.Length + (clip.Jpeg?.Payload.Length ?? 0));

    public void Dispose() => Media?.Dispose();
}
