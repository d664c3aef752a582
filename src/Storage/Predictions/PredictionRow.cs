namespace Xkd.Storage;

/// <summary>One line of a prediction file: a recording, or one segment of a long one.</summary>
public sealed record PredictionRow
{
    /// <summary>The clip, as the cache or the command line names it; of a segment with its number, <c>ITEM#3</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The recording. A row whose id is another is one of its segments; the recording has a row of its own.</summary>
    public required string Item { get; init; }

    /// <summary>What it is, where that is known; several labels are joined by <c>;</c>.</summary>
    public string? Label { get; init; }

    /// <summary>What it was taken for: the class of the highest score; of a multi-label classifier those above the threshold, joined by <c>;</c>.</summary>
    public required string Predicted { get; init; }

    /// <summary>The highest score.</summary>
    public required float Score { get; init; }

    /// <summary>A score for each class, in the order of the classifier's class names.</summary>
    public required IReadOnlyList<float> Scores { get; init; }

    /// <summary>Seconds from the beginning of the source.</summary>
    public double Start { get; init; }

    /// <summary>Seconds from the beginning of the source.</summary>
    public double End { get; init; }
}
