namespace Xkd.Ingest;

/// <summary>What a run would do, and about what it would take: a few of its files were decoded to tell.</summary>
public sealed record IngestForecast
{
    /// <summary>Items the run would decode.</summary>
    public required int Pending { get; init; }

    /// <summary>Of these, items that the cache has no line of.</summary>
    public required int New { get; init; }

    /// <summary>Items that would be left as they are, failed ones and moved ones included.</summary>
    public required int Settled { get; init; }

    /// <summary>Of the settled items, those that failed.</summary>
    public required int FailedEarlier { get; init; }

    /// <summary>Where the files are not as the cache has them.</summary>
    public required SourceChanges Changes { get; init; }

    /// <summary>What else there is to tell a person, one line each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Files that were decoded for the estimates; where 0, there are none.</summary>
    public required int Sampled { get; init; }

    /// <summary>Files the run would decode at a time.</summary>
    public required int Workers { get; init; }

    /// <summary>Bytes the cache would grow by; null where nothing could be sampled.</summary>
    public required long? Bytes { get; init; }

    /// <summary>Clips it would grow by.</summary>
    public required long? Clips { get; init; }

    /// <summary>Seconds the run would take.</summary>
    public required double? Seconds { get; init; }
}

/// <summary>Decodes a few of many items, as a run does, and keeps only what they took.</summary>
internal sealed class IngestSampler(DecodeStage decode, MelStage mel, int workers, TimeProvider time)
{
    /// <summary>After so long the files that are done are the sample.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();

    /// <summary>Files decoded, those that failed included.</summary>
    public int Count { get; private set; }

    /// <summary>Their mean share of the cache.</summary>
    public double Bytes { get; private set; }

    public double Clips { get; private set; }

    /// <summary>The mean time of one, with as many at a time as in the run.</summary>
    public double Seconds { get; private set; }

    /// <summary>At most so many of the items, evenly spread: neighbours are often alike.</summary>
    public static IReadOnlyList<T> Spread<T>(IReadOnlyList<T> items, int most) =>
        [.. Enumerable.Range(0, Math.Min(items.Count, most)).Select(i => items[(int)((long)i * items.Count / Math.Min(items.Count, most))])];

    public async Task RunAsync(IReadOnlyList<PendingItem> items, CancellationToken cancellationToken)
    {
        var (least, most) = (8, 64);
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var sample = Spread(items, Math.Clamp(2 * workers, least, most));
            await Parallel.ForEachAsync(sample, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = either.Token }, MeasureAsync);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // What is done by now is the sample.
        }
    }

    private async ValueTask MeasureAsync(PendingItem pending, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        using var item = await mel.RunAsync(await decode.RunAsync(pending, cancellationToken), cancellationToken);
        var seconds = time.GetElapsedTime(began).TotalSeconds;
        var bytes = item.Clips.Sum(clip =>
            clip.Mel.Length + clip.Pcm.Length + (clip.Jpeg?.Payload.Length ?? (long)clip.Segment.NumFrames * item.Media!.FrameBytes));
        lock (_gate)
        {
            Count++;
            Bytes += (bytes - Bytes) / Count;
            Clips += (item.Clips.Count - Clips) / Count;
            Seconds += (seconds - Seconds) / Count;
        }
    }
}
