namespace Xkd.Ingest;

/// <summary>An item to be done, and how often earlier runs tried it.</summary>
internal sealed record PendingItem(SourceItem Source, int EarlierAttempts);
