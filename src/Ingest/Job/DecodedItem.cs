using Xkd.Pipeline;

namespace Xkd.Ingest;

/// <summary>An item after the decode stage: its media, or why there is none.</summary>
internal sealed record DecodedItem(SourceItem Source, int Attempts) : IOutcome, IPayload, IDisposable
{
    public DecodedMedia? Media { get; init; }

    public ItemFailure? Failure { get; init; }

    /// <summary>Its file as it was before it was read; null where there was none.</summary>
    public FileStamp? Stamp { get; init; }

    /// <summary>What is remarkable about the choice of the file.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    public bool Failed => Failure is not null;

    public long Bytes => Media?.Resident ?? 0;

    public void Dispose() => Media?.Dispose();
}
