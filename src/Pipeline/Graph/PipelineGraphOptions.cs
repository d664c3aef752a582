namespace Xkd.Pipeline;

/// <summary>What a graph's stages share.</summary>
public sealed record PipelineGraphOptions
{
    /// <summary>Bytes of payload that may be queued and in flight; null (the default) bounds by item counts alone.</summary>
    public ByteBudget? ByteBudget { get; init; }

    /// <summary>The clock of every measurement and delay. Default the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Time added to each item of a named stage, one item after the other whatever the stage's parallelism: shows that the report finds a
    /// slow stage. Default none.
    /// </summary>
    public IReadOnlyDictionary<string, TimeSpan> StageDelays { get; init; } = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);

    /// <summary>Stage spans kept for the trace, oldest dropped first. Default 0: off.</summary>
    public int TraceCapacity { get; init; }
}
