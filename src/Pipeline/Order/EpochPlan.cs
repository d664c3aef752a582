using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The arithmetic between steps, epochs, ranks and positions. A step takes <c>batch</c> consecutive positions of its epoch's
/// order, rank r the r-th equal slice of them: the slices put end to end are the global batch for any number of ranks.
/// </summary>
public sealed record EpochPlan
{
    private readonly bool _whole;

    /// <param name="clips">What an epoch visits once: clips, or videos.</param>
    /// <param name="batch">Global batch, clips per step over all ranks.</param>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="what">What they are called in an error.</param>
    /// <exception cref="UsageException">The batch does not split over the ranks, or the data set is smaller than one batch.</exception>
    public EpochPlan(long clips, int batch, int ranks = 1, string what = "clips")
    {
        if (ranks < 1 || batch < 1 || batch % ranks != 0)
        {
            var below = ranks < 1 ? 1 : Math.Max(1, batch / ranks) * ranks;
            throw new UsageException($"a global batch of {batch} does not split over {ranks} ranks: set it to a multiple, such as {below}");
        }

        if (clips < batch)
        {
            throw new UsageException(
                $"the data set has {clips} {what}, fewer than one global batch of {batch}: lower the batch to at most {clips} or ingest more {what}");
        }

        (Clips, Batch, Ranks) = (clips, batch, ranks);
    }

    private EpochPlan(long clips, int batch) => (Clips, Batch, Ranks, _whole) = (clips, batch, 1, true);

    /// <summary>Epochs of one rank that drop nothing: the last batch holds what is left.</summary>
    public static EpochPlan Whole(long clips, int batch) => new(clips, batch);

    public long Clips { get; }

    public int Batch { get; }

    public int Ranks { get; }

    /// <summary>Clips per step on one rank.</summary>
    public int BatchPerRank => Batch / Ranks;

    /// <summary>Batches in an epoch; what is left over is dropped, so a clip is seen at most once an epoch, unless the last batch may be smaller.</summary>
    public long StepsPerEpoch => (Clips + (_whole ? Batch - 1 : 0)) / Batch;

    /// <summary>Positions at the end of each epoch's order that no step visits.</summary>
    public long Dropped => _whole ? 0 : Clips % Batch;

    /// <summary>The epoch a step belongs to; 0 where there is nothing to read.</summary>
    public int EpochOf(long step) => checked((int)(step / Math.Max(1, StepsPerEpoch)));

    /// <summary>Clips of a step on one rank.</summary>
    public int RowsOf(long step) => (int)Math.Min(BatchPerRank, Clips - (step % StepsPerEpoch * Batch));

    /// <summary>The first position, within the step's epoch, that a rank consumes at a step.</summary>
    public long PositionOf(long step, int rank = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Ranks);
        return (step % StepsPerEpoch * Batch) + ((long)rank * BatchPerRank);
    }
}
