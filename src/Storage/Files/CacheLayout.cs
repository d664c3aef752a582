using System.Globalization;
using System.Text.RegularExpressions;

namespace Xkd.Storage;

/// <summary>The names inside a cache, below its root and with <c>/</c>, wherever that lies.</summary>
internal static partial class CacheLayout
{
    public const string Manifests = "manifest/";

    public const string Shards = "shards/";

    public const string Ledgers = "ledger/";

    public const string Locks = "locks/";

    /// <summary>The root itself.</summary>
    public const string Top = "";

    /// <summary>The merged ledger, for people and scripts. Derived: the parts, as far as the manifest covers them, are the truth.</summary>
    public const string Ledger = "ledger.jsonl";

    /// <summary>Folders in the order they are made: <c>manifest</c> marks a folder as a cache, so it comes first.</summary>
    public static IReadOnlyList<string> Folders => [Manifests, Shards, Ledgers, Locks];

    public static string Manifest(int version) => Manifests + version.ToString("D6", CultureInfo.InvariantCulture) + ".json";

    /// <summary>Name of a part's ledger.</summary>
    /// <param name="part">The part.</param>
    /// <param name="mark">As in <see cref="ShardPath"/>.</param>
    public static string Part(string part, string mark = "") => $"{Ledgers}{part}{Marked(mark)}.jsonl";

    public static string Lock(string part) => $"{Locks}{part}.lock";

    /// <summary>Name of a part's shard.</summary>
    /// <param name="part">The part that writes it.</param>
    /// <param name="number">Counted from 1.</param>
    /// <param name="mark">Where a store cannot keep two writers of one part apart for certain: what tells this writer's shards from another's.</param>
    public static string ShardPath(string part, int number, string mark = "") => $"{Shards}{part}-{number:D6}{Marked(mark)}.parquet";

    /// <summary>The name a file has until it is complete. It says whose it is, so that a dead writer's can be told from a live one's.</summary>
    public static string Temporary(string path, string part) => $"{path}.{part}.tmp";

    /// <summary>Part and number of a shard's name; null for other files.</summary>
    public static (string Part, int Number)? ParseShard(string name) =>
        ShardName().Match(name) is { Success: true } m ? (m.Groups["part"].Value, int.Parse(m.Groups["number"].ValueSpan, CultureInfo.InvariantCulture)) : null;

    /// <summary>Part that wrote a temporary file of this layout; null for other files.</summary>
    public static string? ParseTemporary(string name) => TemporaryName().Match(name) is { Success: true } m ? m.Groups["part"].Value : null;

    /// <summary>Version of a manifest's name; null for other files.</summary>
    public static int? ParseManifest(string name) =>
        VersionName().Match(name) is { Success: true } m && int.Parse(m.Groups["version"].ValueSpan, CultureInfo.InvariantCulture) is var version && Manifest(version) == name
            ? version
            : null;

    /// <summary>Whether a name beside the manifests is neither a manifest's nor one's on its way.</summary>
    public static bool IsStrayManifest(string name) => ParseManifest(name) is null && ParseTemporary(name) is null;

    public static bool IsPartName(string part) => PartName().IsMatch(part);

    private static string Marked(string mark) => mark.Length > 0 ? "." + mark : "";

    [GeneratedRegex(@"^shards/(?<part>[A-Za-z0-9_-]+)-(?<number>[0-9]{6,9})(\.[0-9a-f]+)?\.parquet\z", RegexOptions.ExplicitCapture)]
    private static partial Regex ShardName();

    [GeneratedRegex(@"^(manifest/[0-9]{6,9}\.json|shards/[A-Za-z0-9_.-]+\.parquet|ledger\.jsonl)\.(?<part>[A-Za-z0-9_-]+)\.tmp\z", RegexOptions.ExplicitCapture)]
    private static partial Regex TemporaryName();

    [GeneratedRegex(@"^manifest/(?<version>[0-9]{6,9})\.json\z", RegexOptions.ExplicitCapture)]
    private static partial Regex VersionName();

    [GeneratedRegex(@"^[A-Za-z0-9_-]+\z", RegexOptions.ExplicitCapture)]
    private static partial Regex PartName();
}
