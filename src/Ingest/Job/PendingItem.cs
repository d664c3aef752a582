namespace Xkd.Ingest;

/// <summary>An item to be done, and how often earlier runs tried it.</summary>
internal sealed record PendingItem(SourceItem Source, int EarlierAttempts)
{
    private const long ShortBytes = 16 << 20;
    private const double ShortSeconds = 60;

    /// <summary>Decoding takes little more than starting a process does: a small file, or a short stretch of any.</summary>
    public bool IsShort { get; private init; }

    /// <summary>Looks at the file's size; one that cannot be looked at is the decode stage's to report.</summary>
    public PendingItem Sized() => this with
    {
        IsShort = Source.End is { } end ? end - (Source.Start ?? 0) <= ShortSeconds : new FileInfo(Source.Path) is not { Exists: true, Length: > ShortBytes },
    };
}
