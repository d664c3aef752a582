namespace Xkd.Ingest;

/// <summary>Where a dataset lies.</summary>
public sealed record CatalogOptions
{
    /// <summary>The dataset's folder.</summary>
    public required string Root { get; init; }

    /// <summary>Only this split; null is every split.</summary>
    public string? Split { get; init; }

    /// <summary>The annotation file or folder; null looks where the dataset's own archive puts it.</summary>
    public string? Annotations { get; init; }

    /// <summary>In a folder without lists, documents, pictures and the like (<see cref="Sidecars"/>) are items too; false leaves them out.</summary>
    public bool Strict { get; init; }

    /// <summary>The cache being written, as its full name: below the root it is no media. Null where none is.</summary>
    public string? Out { get; init; }
}
