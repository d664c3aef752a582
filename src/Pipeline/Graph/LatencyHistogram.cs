using System.Numerics;

namespace Xkd.Pipeline;

/// <summary>
/// Durations in fixed space: eight buckets per doubling from a microsecond to hours, so a quantile is right within 6 %.
/// Adding is lock-free.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int PerDoubling = 8;
    private readonly long[] _buckets = new long[40 * PerDoubling];
    private long _count;
    private long _microseconds;

    public long Count => Interlocked.Read(ref _count);

    public double MeanMs => Count == 0 ? 0 : Interlocked.Read(ref _microseconds) / 1000.0 / Count;

    public void Add(TimeSpan duration)
    {
        var us = Math.Max(0, (long)duration.TotalMicroseconds);
        Interlocked.Increment(ref _buckets[BucketOf(us)]);
        Interlocked.Add(ref _microseconds, us);
        Interlocked.Increment(ref _count);
    }

    /// <summary>The duration in milliseconds that a share <paramref name="q"/> of the items did not exceed; 0 without items.</summary>
    public double QuantileMs(double q)
    {
        long total = 0;
        foreach (ref var bucket in _buckets.AsSpan())
        {
            total += Interlocked.Read(ref bucket);
        }

        var rank = Math.Max(1, (long)Math.Ceiling(q * total));
        long seen = 0;
        for (var i = 0; i < _buckets.Length; i++)
        {
            seen += Interlocked.Read(ref _buckets[i]);
            if (seen >= rank)
            {
                return (LowerBound(i) + LowerBound(i + 1)) / 2000.0;
            }
        }

        return 0;
    }

    private static int BucketOf(long us)
    {
        if (us < PerDoubling)
        {
            return (int)us;
        }

        var doubling = BitOperations.Log2((ulong)us) - 2;
        var bucket = (doubling * PerDoubling) + (int)((us >> (doubling - 1)) - PerDoubling);
        return Math.Min(bucket, (40 * PerDoubling) - 1);
    }

    private static double LowerBound(int bucket) =>
        bucket < PerDoubling ? bucket : Math.ScaleB(PerDoubling + (bucket % PerDoubling), (bucket / PerDoubling) - 1);
}
