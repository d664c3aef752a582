using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>What an epoch visits once.</summary>
public enum SampleUnit
{
    /// <summary>Every clip of the cache: a long source that was cut into segments is visited once for each. The default.</summary>
    PerClip,

    /// <summary>Every source: one window of all its segments, as in the released code. A window may begin in one segment and end in the next.</summary>
    PerVideo,
}

/// <summary>A feed for training: every clip, or video, at most once an epoch, in an order of the epoch's own.</summary>
public sealed record FeedOptions : ViewOptions
{
    /// <summary>What an epoch visits once. Default every clip.</summary>
    public SampleUnit Sample { get; init; } = SampleUnit.PerClip;

    /// <summary>How an epoch's order is drawn. Default uniform.</summary>
    public ClipOrderKind Order { get; init; } = ClipOrderKind.Uniform;

    /// <summary>Clips in a block of the block order. Default 16.</summary>
    public int OrderBlock { get; init; } = 16;

    /// <summary>Blocks in a window of the block order. Default 128.</summary>
    public int OrderWindow { get; init; } = 128;

    /// <summary>Number of ranks; divides the batch. Default 1.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>This process's rank. Default 0.</summary>
    public int Rank { get; init; }

    internal override bool AsLevels => Augmentation is not null;

    internal override ISchedule Schedule(IClipSource source, WindowReader windows)
    {
        Recordings recordings = new(source, Sample);
        var order = recordings.Count > 0 ? OrderOf(source, recordings) : null;
        EpochPlan plan = new(order?.Count ?? 0, BatchSize, Ranks, Sample == SampleUnit.PerVideo ? "videos" : "clips");
        return new ShuffledSchedule("feed", plan, Rank, order!, recordings, this, windows);
    }

    private protected override void Check(Action<bool, string> require)
    {
        base.Check(require);
        require(Ranks >= 1 && Rank >= 0 && Rank < Ranks, $"rank {Rank} of {Ranks}: a rank lies in 0 … ranks - 1");
        require(OrderBlock >= 1 && OrderWindow >= 1, $"blocks of {OrderBlock} clips, windows of {OrderWindow} blocks: at least 1 each");
        require(
            LocalFrom == LocalFrom.Window || Sample == SampleUnit.PerClip,
            "local views are cut out of the clip, but an epoch visits videos, of which clips are mere segments: "
            + "cut local views out of the window, or visit clips");
    }

    private IClipOrder OrderOf(IClipSource source, Recordings recordings)
    {
        var members = source.Members;
        var weighted = members.Count > 1 && members.Any(m => m.Weight is not null);
        if (Order == ClipOrderKind.Uniform)
        {
            return weighted
                ? new MixOrder([.. members.Zip(recordings.Counts, (m, count) => new MixShare($"cache {m.Source.Name}", count, m.Weight ?? 1))], Seed)
                : new GlobalOrder(recordings.Count, Seed);
        }

        if (weighted)
        {
            throw new UsageException(
                $"{source.Name}: blocks are of clips that lie together, which weights draw apart: leave out the weights, or the order of blocks");
        }

        var first = 0;
        List<int> inShards = [];
        foreach (var count in recordings.Counts)
        {
            inShards.AddRange(Enumerable.Range(first, count).OrderBy(i => recordings.First(i).Shard).ThenBy(i => recordings.First(i).Row));
            first += count;
        }

        return new BlockOrder(inShards, Seed, OrderBlock, OrderWindow);
    }
}
