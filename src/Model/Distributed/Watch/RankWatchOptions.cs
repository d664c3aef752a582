namespace Xkd.Model.Distributed;

/// <summary>How closely ranks watch each other.</summary>
internal sealed record RankWatchOptions
{
    /// <summary>Between two signs of life. Default 1 s.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// After this long without a sign of life a rank counts as lost: its machine died, or its process was stopped. A process that ends is noticed at once.
    /// Default 8 s.
    /// </summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>For all ranks to find rank 0. Default 60 s.</summary>
    public TimeSpan Gathering { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What a rank that fails waits for its word to arrive, at most. Default 2 s.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(2);
}
