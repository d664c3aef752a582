namespace Xkd.Experiments.AvDigits;

/// <summary>Which part of the ablation is run, on what, and how long.</summary>
internal sealed record AblationOptions
{
    public required AblationSize Size { get; init; }

    /// <summary>The corpus: a folder with <c>train</c> and <c>val</c>. Empty where the caches are there.</summary>
    public string Data { get; init; } = string.Empty;

    /// <summary>The ablation's folder.</summary>
    public required string Out { get; init; }

    public required IReadOnlyList<AblationRow> Rows { get; init; }

    public required IReadOnlyList<long> Seeds { get; init; }

    /// <summary>Rows at a time, each in a process of its own.</summary>
    public int Jobs { get; init; } = 1;

    public required string Device { get; init; }

    /// <summary>Folder of an existing libtorch; null: the one that is found.</summary>
    public string? LibTorch { get; init; }

    /// <summary>Stop with checkpoints after this long, to be continued; null: no limit.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary><c>key=value</c> for every row, before its own.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];
}
