using Xkd.Pipeline;

namespace Xkd.Model.Profiling;

/// <summary>What training costs with its feed, beside the same step on one batch that stays.</summary>
public sealed record TrainingProfile
{
    public required string Device { get; init; }

    /// <summary>Steps that were fed, over all rounds.</summary>
    public required long Steps { get; init; }

    /// <summary>Clips a step.</summary>
    public required int Batch { get; init; }

    /// <summary>Clips a second with the feed, median of the rounds.</summary>
    public required double SamplesPerSecond { get; init; }

    /// <summary>Rate on a batch that stays over the rate with the feed: what a perfect feed would win. Median of the rounds.</summary>
    public required double Headspace { get; init; }

    /// <summary>Headspace of each round.</summary>
    public required IReadOnlyList<double> Rounds { get; init; }

    /// <summary>Share of the time spent waiting for a batch, 0 to 1, median of the rounds.</summary>
    public required double DataWait { get; init; }

    /// <summary>Share of the measured peak of matrix work, 0 to 1.</summary>
    public required double Mfu { get; init; }

    /// <summary>The last round's feed; its consumer is the training step.</summary>
    public required GraphReport Report { get; init; }

    /// <summary>Writes the last round's stage spans as a Chrome trace.</summary>
    public required Action<Stream> WriteTrace { get; init; }
}
