namespace Xkd.Cli.Profiling;

/// <summary>What a profile runs on.</summary>
internal sealed record ProfileOptions
{
    /// <summary>A cache for the loader; null generates one.</summary>
    public string? Data { get; init; }

    /// <summary>A configuration for the loader; null is the released recipe at batch 8.</summary>
    public string? Config { get; init; }

    /// <summary>Overrides of its keys.</summary>
    public IReadOnlyList<string> Set { get; init; } = [];

    /// <summary>Stages slowed down on purpose.</summary>
    public required IReadOnlyDictionary<string, TimeSpan> Delays { get; init; }
}
