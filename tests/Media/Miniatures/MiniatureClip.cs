namespace Xkd.Testing;

/// <summary>What a catalog has to say of one clip.</summary>
/// <param name="Id">Its id.</param>
/// <param name="File">Its media file, relative to the root, with '/'.</param>
/// <param name="Labels">Its classes; one in single-label datasets.</param>
public sealed record MiniatureClip(string Id, string File, params IReadOnlyList<string> Labels)
{
    /// <summary>The dataset's own word; null where it has folds.</summary>
    public string? Split { get; init; }

    /// <summary>Such as "1:train".</summary>
    public IReadOnlyList<string> Folds { get; init; } = [];

    /// <summary>Seconds at which the clip begins in a file that holds more.</summary>
    public double? Start { get; init; }
}
