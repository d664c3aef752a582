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

    public IReadOnlyList<VerifyError> Errors { get; init; } = [];
}
