namespace Xkd.Ingest;

/// <summary>How far a run is.</summary>
/// <param name="Committed">Items written so far in this run (visible to readers at the next commit).</param>
/// <param name="Failed">Items that failed in this run.</param>
/// <param name="Skipped">Items settled by earlier runs.</param>
/// <param name="Total">Items of this run's catalog, skipped ones included.</param>
/// <param name="ItemsPerSecond">Items settled per second since the start.</param>
/// <param name="Remaining">The time the rest will take at that rate; null before the first item.</param>
public sealed record IngestProgress(int Committed, int Failed, int Skipped, int Total, double ItemsPerSecond, TimeSpan? Remaining)
{
    /// <summary>What the catalog has to tell a person, one line each; with the first report only.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>In which way sources are decoded; with the first report only, where there is anything to do.</summary>
    public string? Way { get; init; }
}
