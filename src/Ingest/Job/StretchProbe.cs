namespace Xkd.Ingest;

/// <summary>
/// Settles whether a file that is called as its video is holds the whole of it, or only the listed stretch, already cut out: the whole ends no earlier than the
/// stretch does, the cut one is as long as the stretch. The nearer of the two is taken.
/// </summary>
internal sealed class StretchProbe(FfmpegTools tools, TimeSpan limit, TimeProvider time)
{
    private readonly MediaProbe _probe = new(tools);

    /// <summary>The item as it is to be decoded, or why that cannot be told.</summary>
    public async Task<(SourceItem Item, ItemFailure? Failure)> ResolveAsync(SourceItem item, CancellationToken cancellationToken)
    {
        if (!item.MayBeCut || item is not { Start: { } start, End: { } end } || start <= 0)
        {
            return (item, null);
        }

        if (FailureClassifier.Unreadable(item.Path) is { } unreadable)
        {
            return (item, unreadable);
        }

        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var (info, failure) = await _probe.ProbeAsync(item.Path, either.Token);
            var seconds = info is null or { Duration: not null, EstimatesDuration: false } ? info?.Duration : await _probe.MeasureAsync(item.Path, either.Token);
            return seconds <= end - start + (start / 2) ? (item with { Start = null, End = null }, failure) : (item, failure);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return (item, new ItemFailure(FailureStages.Probe, FailureReasons.Timeout, FormattableString.Invariant($"not probed after {limit.TotalSeconds} s; --item-timeout allows more")));
        }
    }
}
