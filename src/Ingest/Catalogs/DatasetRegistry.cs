using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The datasets `ingest --dataset` knows. Adding one is a catalog class and a line here.</summary>
public static class DatasetRegistry
{
    private static readonly Dictionary<string, Dataset> Known = new(StringComparer.Ordinal)
    {
        ["audioset"] = new(Modalities.AudioVideo, static options => new AudioSetCatalog(options)),
        ["csv"] = new(Modalities.AudioVideo, static options => new CsvCatalog(options)),
        ["esc50"] = new(Modalities.Audio, static options => new Esc50Catalog(options)),
        ["folder"] = new(Modalities.AudioVideo, static options => new FolderCatalog(options)),
        ["fsd50k"] = new(Modalities.Audio, static options => new Fsd50kCatalog(options)),
        ["hmdb51"] = new(Modalities.Video, static options => new Hmdb51Catalog(options)),
        ["kinetics-sound"] = new(Modalities.AudioVideo, static options => new KineticsCatalog("kinetics-sound", options, KineticsSoundClasses.All)),
        ["kinetics400"] = new(Modalities.AudioVideo, static options => new KineticsCatalog("kinetics400", options)),
        ["ucf101"] = new(Modalities.Video, static options => new Ucf101Catalog(options)),
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
