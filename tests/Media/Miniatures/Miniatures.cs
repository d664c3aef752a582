namespace Xkd.Testing;

/// <summary>Every dataset's miniature by the name that `ingest --dataset` knows.</summary>
public static class Miniatures
{
    private static readonly Dictionary<string, Func<MediaMaker, MiniatureOptions?, string, Miniature>> Makers = new(StringComparer.Ordinal)
    {
        ["audioset"] = AudioSetMiniature.Make,
        ["csv"] = CsvMiniature.Make,
        ["esc50"] = Esc50Miniature.Make,
        ["fsd50k"] = Fsd50kMiniature.Make,
        ["hmdb51"] = Hmdb51Miniature.Make,
        ["kinetics-sound"] = KineticsSoundMiniature.Make,
        ["kinetics400"] = Kinetics400Miniature.Make,
        ["ucf101"] = Ucf101Miniature.Make,
    };

    public static IReadOnlyList<string> Names { get; } = [.. Makers.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Lays one out in a folder of the maker's, called as the dataset unless said otherwise.</summary>
    public static Miniature Make(string dataset, MediaMaker media, MiniatureOptions? options = null, string? folder = null) => Makers[dataset](media, options, folder ?? dataset);
}
