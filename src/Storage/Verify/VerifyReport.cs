namespace Xkd.Storage;

/// <summary>What <see cref="CacheVerifier"/> found: the fields of <c>verify --json</c>.</summary>
public sealed record VerifyReport
{
    /// <summary>Whether every byte is as committed.</summary>
    public bool Ok => Errors.Count == 0;

    /// <summary>Shards looked at.</summary>
    public int Shards { get; init; }

    /// <summary>Rows the manifest lists.</summary>
    public long Rows { get; init; }

    /// <summary>Rows of removed clips whose bytes are in the shards until compact writes these anew.</summary>
    public long RemovedRows { get; init; }

    /// <summary>Shard files that this version does not name, of older versions or of a writer at work; vacuum removes the former.</summary>
    public int OtherShards { get; init; }

    public IReadOnlyList<VerifyError> Errors { get; init; } = [];
}
