using System.Globalization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>Opens what a run is trained on: the caches named for this start, else those of the configuration, else those it was started on; each at the version it is pinned to.</summary>
internal static class RunData
{
    /// <exception cref="UsageException">No cache is named, one is not there, the conditions leave a cache no clip, or its clips are not those of the run.</exception>
    public static IReadOnlyList<MixMember> Open(TrainerOptions options, RunOrigin? origin)
    {
        var data = options.Config.Data;
        (string Cache, double? Weight)[] named = [.. (options.Data.Count > 0 ? options.Data : data.Caches).Select(Parse)];
        if (named.Length == 0)
        {
            named = [.. origin?.Caches.Select(c => (c.Cache, c.Weight)) ?? throw new UsageException("no cache is named: write --data CACHE, or data.caches in the configuration")];
        }

        if (origin is not null && (named.Length != origin.Caches.Count || named.Zip(origin.Caches).Any(n => n.First.Weight != n.Second.Weight)))
        {
            throw new UsageException($"{options.Out} was started on {Text(origin.Caches.Select(c => (c.Cache, c.Weight)))}, now {Text(named)} is named: name as many caches with the same weights, or train into another --out");
        }

        var filter = ClipFilter.Parse(data.Where, data.Ids.Length > 0 ? data.Ids : null);
        List<MixMember> mix = [];
        for (var i = 0; i < named.Length; i++)
        {
            var cache = Cache.Open(named[i].Cache, origin?.Caches[i].ManifestVersion, options.Objects).Select(filter);
            origin?.Caches[i].Require(cache);
            mix.Add(new MixMember(cache, named[i].Weight));
        }

        return mix;
    }

    /// <summary>What a run that begins is pinned to.</summary>
    public static IReadOnlyList<RunCache> Pin(IReadOnlyList<MixMember> mix) => [.. mix.Select(m => new RunCache
    {
        Cache = m.Cache.Path, Weight = m.Weight, ManifestVersion = m.Cache.Manifest.Version, Clips = m.Cache.Clips.Count, ClipsSha256 = m.Cache.ClipsHash(),
    })];

    /// <summary>In a line, for a person.</summary>
    public static string Describe(IReadOnlyList<MixMember> mix) =>
        string.Join(" + ", mix.Select(m => $"{Text([(m.Cache.Path, m.Weight)])} version {m.Cache.Manifest.Version}, {m.Cache.Clips.Count} clips{(m.Cache.Filter.IsAll ? "" : $" {m.Cache.Filter}")}"));

    // A cache whose name ends in @ and a number is named with a weight of its own.
    private static (string Cache, double? Weight) Parse(string text)
    {
        var at = text.LastIndexOf('@');
        return at > 0 && double.TryParse(text.AsSpan(at + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var weight)
            ? weight > 0 && double.IsFinite(weight) ? (text[..at], weight) : throw new UsageException($"{text}: a weight of {weight.ToString(CultureInfo.InvariantCulture)}: write a positive number after @")
            : (text, null);
    }

    private static string Text(IEnumerable<(string Cache, double? Weight)> caches) =>
        string.Join(" + ", caches.Select(c => c.Weight is { } weight ? string.Create(CultureInfo.InvariantCulture, $"{c.Cache}@{weight}") : c.Cache));
}
