namespace Xkd.Model.Configuration;

/// <summary>Which splits of the caches are used where they hold several; a cache of one split, or without any, is used whole.</summary>
public sealed record SplitSection
{
    /// <summary>The split trained on. Default train.</summary>
    public string Train { get; init; } = "train";

    /// <summary>The split tested on. Default empty: the first of test, eval and val that the cache has.</summary>
    public string Test { get; init; } = string.Empty;
}
