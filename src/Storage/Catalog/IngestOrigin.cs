namespace Xkd.Storage;

/// <summary>What a cache was ingested from, as far as another ingest of the same would have to say it.</summary>
public sealed record IngestOrigin
{
    /// <summary>As in <c>--dataset</c>.</summary>
    public required string Dataset { get; init; }

    /// <summary>The dataset's folder, absolute.</summary>
    public required string Root { get; init; }

    /// <summary>As in <c>--split</c>; null is all.</summary>
    public string? Split { get; init; }

    /// <summary>As in <c>--annotations</c>, absolute; null is their usual place.</summary>
    public string? Annotations { get; init; }

    /// <summary><c>av</c>, <c>video</c> or <c>audio</c>.</summary>
    public required string Modalities { get; init; }

    /// <summary>Seconds, as in <c>--max-clip</c>.</summary>
    public required double MaxClip { get; init; }
}
