namespace Xkd.Cli.Profiling;

/// <summary>What a profile runs on.</summary>
internal sealed record ProfileOptions
{
    /// <summary>A cache for loader and train; null generates one.</summary>
    public string? Data { get; init; }

    /// <summary>A configuration for loader, step and train; null is the released recipe at batch 8, the scaled benchmark, the tiny one.</summary>
    public string? Config { get; init; }

    /// <summary>Overrides of its keys.</summary>
    public IReadOnlyList<string> Set { get; init; } = [];

    /// <summary>Where step and train run: cpu, cuda, cuda:K or auto.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Batch sizes of step, measured one after the other; empty takes the configuration's.</summary>
    public IReadOnlyList<int> Batches { get; init; } = [];

    /// <summary>Clips that ingest and decode generate; null: 32.</summary>
    public long? Clips { get; init; }

    /// <summary>Measure the loader at several numbers of workers, too.</summary>
    public bool Sweep { get; init; }

    /// <summary>Stages slowed down on purpose.</summary>
    public required IReadOnlyDictionary<string, TimeSpan> Delays { get; init; }
}
