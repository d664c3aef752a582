namespace Xkd.Model.Training;

/// <summary>What a run was started on (<c>run.json</c>): it stays pinned to this manifest version, whatever is ingested later.</summary>
public sealed record RunOrigin
{
    public int Schema { get; init; } = 1;

    /// <summary>Full path of the cache at the start; a resumed run may name it elsewhere.</summary>
    public required string Cache { get; init; }

    public required int ManifestVersion { get; init; }

    public required int Clips { get; init; }

    /// <summary>Mean of the log-mel that the run subtracts; evaluation uses the same.</summary>
    public required double MelMean { get; init; }

    /// <summary>Standard deviation of the log-mel that the run divides by.</summary>
    public required double MelStd { get; init; }
}
