namespace Xkd.Testing;

/// <summary>A dataset laid out as its archive is, and what a catalog has to say of it.</summary>
/// <param name="Dataset">The name `ingest --dataset` knows.</param>
/// <param name="Root">The dataset's folder.</param>
/// <param name="Clips">What is to be ingested, in ordinal order of the ids.</param>
public sealed record Miniature(string Dataset, string Root, IReadOnlyList<MiniatureClip> Clips)
{
    /// <summary>Full path of a file of the dataset.</summary>
    public string this[string path] => Path.Combine(Root, path);

    /// <summary>Classes of all clips, in ordinal order.</summary>
    public IReadOnlyList<string> Labels => [.. Clips.SelectMany(static clip => clip.Labels).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
