using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The datasets `ingest --dataset` knows. Adding one is a catalog class and a line here.</summary>
public static class DatasetRegistry
{
    private static readonly Dictionary<string, Dataset> Known = new(StringComparer.Ordinal)
    {
        ["folder"] = new(Modalities.AudioVideo, static options => new FolderCatalog(options)),
    };

    /// <summary>The known names, in ordinal order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Opens a dataset's catalog.</summary>
    /// <exception cref="UsageException">The name is not known.</exception>
    public static ICatalog Open(string name, CatalogOptions options) => Find(name).Open(options);

    /// <summary>What <c>--modalities auto</c> means for a dataset: both for pre-training sets, the one that is evaluated otherwise.</summary>
    /// <exception cref="UsageException">The name is not known.</exception>
    public static Modalities DefaultModalities(string name) => Find(name).Modalities;

    private static Dataset Find(string name) => Known.TryGetValue(name, out var dataset)
        ? dataset
        : throw new UsageException($"--dataset {name} is unknown; use one of: {string.Join(", ", Names)}.");

    private sealed record Dataset(Modalities Modalities, Func<CatalogOptions, ICatalog> Open);
}
