namespace Xkd.Pipeline;

/// <summary>How one stage runs.</summary>
public sealed record StageOptions
{
    /// <summary>Items worked on at once. Default 1.</summary>
    public int Parallelism { get; init; } = 1;

    /// <summary>Items that may wait in front of the stage, beyond those in work. Default 2.</summary>
    public int QueueCapacity { get; init; } = 2;

    /// <summary>Put items out in the order they came in. Default false: one slow item must not hold back the rest.</summary>
    public bool Ordered { get; init; }

    /// <summary>What the stage is called in sentences and tables; null: by its name. Default null.</summary>
    public string? Title { get; init; }

    /// <summary>What to do when this stage is the bottleneck, completing "decode is the bottleneck at 3.1x its neighbours: …".</summary>
    public string Remedy { get; init; } = "give this stage more parallelism or less work";

    internal void Validate(string name)
    {
        if (Parallelism < 1 || QueueCapacity < 1)
        {
            throw new ArgumentException($"stage {name}: parallelism {Parallelism} and queue capacity {QueueCapacity} must be at least 1");
        }
    }
}
