using System.Diagnostics.Metrics;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Counts a run's items and reports its progress, also as instruments of the meter "Xkd". Written by the write stage alone.</summary>
internal sealed class IngestTally(int skipped, int total, TimeSpan interval, IProgress<IngestProgress>? progress, TimeProvider time) : IDisposable
{
    private const int ShownFailures = 10;
    private readonly SortedDictionary<string, LedgerEntry> _firstFailures = new(StringComparer.Ordinal);
    private readonly long _started = time.GetTimestamp();
    private readonly Meter _meter = new(StageGauges.MeterName);
    private readonly StageGauges _stages = new();
    private Counter<long>? _items, _clips;
    private long _reported = time.GetTimestamp();

    public int Committed { get; private set; }

    public int Failed { get; private set; }

    public int Clips { get; private set; }

    public int Skipped { get; } = skipped;

    public double Seconds => time.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Reports that the catalog is read, what it noted, and how its sources are decoded.</summary>
    public void Begin(IReadOnlyList<string> notes, string? way) => progress?.Report(new IngestProgress(0, 0, Skipped, total, 0, null) { Notes = notes, Way = way });

    /// <summary>The graph that makes the clips, once there is one.</summary>
    public PipelineGraph? Graph { get; set; }

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
        _items ??= _meter.CreateCounter<long>("xkd.ingest.items", "{item}", "Source items that came to their end, by xkd.item.state.");
        _clips ??= _meter.CreateCounter<long>("xkd.ingest.clips", "{clip}", "Clips written.");
        _items.Add(1, new KeyValuePair<string, object?>("xkd.item.state", failed ? "failed" : "committed"));
        _clips.Add(clips);
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
        if (Graph is not null && _stages.Enabled)
        {
            _stages.Record(Graph.Report());
        }
    }

    public void Dispose()
    {
        _stages.Dispose();
        _meter.Dispose();
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
