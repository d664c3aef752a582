using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Counts a run's items and reports its progress. Written by the write stage alone.</summary>
internal sealed class IngestTally(int skipped, int total, TimeSpan interval, IProgress<IngestProgress>? progress, TimeProvider time)
{
    private const int ShownFailures = 10;
    private readonly SortedDictionary<string, LedgerEntry> _firstFailures = new(StringComparer.Ordinal);
    private readonly long _started = time.GetTimestamp();
    private long _reported = time.GetTimestamp();

    public int Committed { get; private set; }

    public int Failed { get; private set; }

    public int Clips { get; private set; }

    public int Skipped { get; } = skipped;

    public double Seconds => time.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Reports that the catalog is read, what it noted, and how its sources are decoded.</summary>
    public void Begin(IReadOnlyList<string> notes, string? way) => progress?.Report(new IngestProgress(0, 0, Skipped, total, 0, null) { Notes = notes, Way = way });

    /// <summary>A few of the items that failed, the first by id.</summary>
    public IReadOnlyList<LedgerEntry> FirstFailures => [.. _firstFailures.Values];

    public void Settled(LedgerEntry entry, int clips)
    {
        var failed = entry.State == ItemState.Failed;
        Committed += failed ? 0 : 1;
        Failed += failed ? 1 : 0;
        if (failed)
        {
            Keep(entry);
        }

        Clips += clips;
        if (time.GetElapsedTime(_reported) >= interval)
        {
            Report();
        }
    }

    public void Report()
    {
        _reported = time.GetTimestamp();
        var done = Committed + Failed;
        var rate = Seconds > 0 ? done / Seconds : 0;
        TimeSpan? remaining = done > 0 ? TimeSpan.FromSeconds((total - Skipped - done) / rate) : null;
        progress?.Report(new IngestProgress(Committed, Failed, Skipped, total, rate, remaining));
    }

    private void Keep(LedgerEntry failure)
    {
        if (_firstFailures.Count < ShownFailures)
        {
            _firstFailures[failure.Id] = failure;
        }
        else if (_firstFailures.Keys.Last() is var last && string.CompareOrdinal(failure.Id, last) < 0)
        {
            _firstFailures.Remove(last);
            _firstFailures[failure.Id] = failure;
        }
    }
}
