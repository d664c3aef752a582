using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>What a run was started on (<c>run.json</c>): it stays pinned to this manifest version, whatever is ingested later.</summary>
public sealed record RunOrigin
{
    public int Schema { get; init; } = 1;

    /// <summary>Full path of the cache at the start; a resumed run may name it elsewhere.</summary>
    public required string Cache { get; init; }

    public required int ManifestVersion { get; init; }

    public required int Clips { get; init; }

    /// <summary><see cref="Storage.Cache.ClipsHash"/> of the cache; null in runs of before this was kept.</summary>
    public string? ClipsSha256 { get; init; }

    /// <summary>Mean of the log-mel that the run subtracts; evaluation uses the same.</summary>
    public required double MelMean { get; init; }

    /// <summary>Standard deviation of the log-mel that the run divides by.</summary>
    public required double MelStd { get; init; }

    /// <summary><see cref="Native.MklPath.Name"/> of the first start: on the same one a resumed run repeats every bit. Null without MKL, and in runs of before this was kept.</summary>
    public string? Mkl { get; init; }

    /// <summary>Refuses other clips than the run was started on: the same step would mean other data.</summary>
    /// <exception cref="UsageException">It holds others.</exception>
    public void Require(Cache cache)
    {
        if (cache.Clips.Count != Clips || (ClipsSha256 is not null && cache.ClipsHash() != ClipsSha256))
        {
            throw new UsageException($"{cache.Path} version {ManifestVersion} holds {cache.Clips.Count} clips, which are not the {Clips} that the run was started on ({Cache}): "
                + "name that cache or a copy of it with --data, or train into another --out");
        }
    }
}
