namespace Xkd.Model.Training;

/// <summary>What a run was started on (<c>run.json</c>): it stays pinned to this manifest version, whatever is ingested later.</summary>
public sealed record RunOrigin
{
    public int Schema { get; init; } = 1;

    /// <summary>Full path of the cache at the start; a resumed run may name it elsewhere.</summary>
    public required string Cache { get; init; }

    public required int ManifestVersion { get; init; }

    public required int Clips { get; init; }
}
