using System.Globalization;
using System.Text.RegularExpressions;

namespace Xkd.Storage;

/// <summary>The names inside a cache folder.</summary>
internal sealed partial class CacheLayout(string root)
{
    public string Root { get; } = Path.GetFullPath(root);

    public string Manifests => Path.Combine(Root, "manifest");

    public string Shards => Path.Combine(Root, "shards");

    public string Ledgers => Path.Combine(Root, "ledger");

    public string Locks => Path.Combine(Root, "locks");

    /// <summary>The merged ledger, for people and scripts. Derived: the parts, as far as the manifest covers them, are the truth.</summary>
    public string Ledger => Path.Combine(Root, "ledger.jsonl");

    /// <summary>Folders in the order they are made: <c>manifest</c> marks a folder as a cache, so it comes first.</summary>
    public IReadOnlyList<string> Folders => [Manifests, Shards, Ledgers, Locks];

    public string Manifest(int version) => Path.Combine(Manifests, ManifestName(version));

    public static string ManifestName(int version) => version.ToString("D6", CultureInfo.InvariantCulture) + ".json";

    public string Part(string part) => Path.Combine(Ledgers, part + ".jsonl");

    public string Lock(string part) => Path.Combine(Locks, part + ".lock");

    public string Shard(string path) => Path.Combine(Root, path);

    public static string ShardPath(string part, int number) => $"shards/{part}-{number:D6}.parquet";

    /// <summary>The name a file has until it is complete. It says whose it is, so that a dead writer's can be told from a live one's.</summary>
    public static string Temporary(string path, string part) => $"{path}.{part}.tmp";

    /// <summary>Part and number of a shard's file name; null for other files.</summary>
    public static (string Part, int Number)? ParseShard(string name) =>
        ShardName().Match(name) is { Success: true } m ? (m.Groups["part"].Value, int.Parse(m.Groups["number"].ValueSpan, CultureInfo.InvariantCulture)) : null;

    /// <summary>Part that wrote a temporary file; null for other files.</summary>
    public static string? ParseTemporary(string name) => TemporaryName().Match(name) is { Success: true } m ? m.Groups["part"].Value : null;

    /// <summary>Version of a manifest's file name; null for other files.</summary>
    public static int? ParseManifest(string name) =>
        VersionName().Match(name) is { Success: true } m ? int.Parse(m.Groups["version"].ValueSpan, CultureInfo.InvariantCulture) : null;

    public static bool IsPartName(string part) => PartName().IsMatch(part);

    [GeneratedRegex(@"^(?<part>[A-Za-z0-9_-]+)-(?<number>\d{6,9})\.parquet$", RegexOptions.ExplicitCapture)]
    private static partial Regex ShardName();

    [GeneratedRegex(@"\.(?<part>[A-Za-z0-9_-]+)\.tmp$", RegexOptions.ExplicitCapture)]
    private static partial Regex TemporaryName();

    [GeneratedRegex(@"^(?<version>\d{6,9})\.json$", RegexOptions.ExplicitCapture)]
    private static partial Regex VersionName();

    [GeneratedRegex("^[A-Za-z0-9_-]+$", RegexOptions.ExplicitCapture)]
    private static partial Regex PartName();
}
