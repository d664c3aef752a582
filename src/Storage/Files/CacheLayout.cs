using System.Globalization;
using System.Text.RegularExpressions;

namespace Xkd.Storage;

/// <summary>The names inside a cache, below its root and with <c>/</c>, wherever that lies.</summary>
internal static partial class CacheLayout
{
    public const string Manifests = "manifest/";

    public const string Shards = "shards/";

    public const string Indexes = "index/";

    public const string Ledgers = "ledger/";

    public const string Removed = "removed/";

    public const string Columns = "columns/";

    public const string Locks = "locks/";

    /// <summary>The root itself.</summary>
    public const string Top = "";

    /// <summary>The merged ledger, for people and scripts. Derived: the segments' ledgers are the truth.</summary>
    public const string Ledger = "ledger.jsonl";

    /// <summary>Folders in the order they are made: <c>manifest</c> marks a folder as a cache, so it comes first.</summary>
    public static IReadOnlyList<string> Folders => [Manifests, Shards, Indexes, Ledgers, Removed, Columns, Locks];

    public static string Manifest(int version) => Manifests + version.ToString("D6", CultureInfo.InvariantCulture) + ".json";

    /// <summary>Folders of files that are named <c>PART-NUMBER</c>.</summary>
    public static IReadOnlyList<string> Numbered => [Shards, Indexes, Ledgers, Removed, Columns];

    public static string Lock(string part) => $"{Locks}{part}.lock";

    /// <summary>Name of a part's file.</summary>
    /// <param name="folder">One of <see cref="Numbered"/>.</param>
    /// <param name="part">The part that writes it.</param>
    /// <param name="number">Counted from 1.</param>
    /// <param name="mark">Where a store cannot keep two writers of one part apart for certain: what tells this writer's files from another's.</param>
    public static string File(string folder, string part, int number, string mark = "") =>
        $"{folder}{part}-{number:D6}{(mark.Length > 0 ? "." + mark : "")}{(folder == Ledgers ? ".jsonl" : ".parquet")}";

    /// <summary>The name a file has until it is complete. It says whose it is, so that a dead writer's can be told from a live one's.</summary>
    public static string Temporary(string path, string part) => $"{path}.{part}.tmp";

    /// <summary>Folder, part and number of a name that <see cref="File"/> gives; null for other files.</summary>
    public static (string Folder, string Part, int Number)? Parse(string name) => FileName().Match(name) is { Success: true } m
        && m.Groups["end"].Value == (m.Groups["folder"].Value == Ledgers ? "jsonl" : "parquet")
            ? (m.Groups["folder"].Value, m.Groups["part"].Value, int.Parse(m.Groups["number"].ValueSpan, CultureInfo.InvariantCulture))
            : null;

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

    [GeneratedRegex(@"^(?<folder>(shards|index|ledger|removed|columns)/)(?<part>[A-Za-z0-9_-]+)-(?<number>[0-9]{6,9})(\.[0-9a-f]+)?\.(?<end>parquet|jsonl)\z", RegexOptions.ExplicitCapture)]
    private static partial Regex FileName();

    [GeneratedRegex(@"^(manifest/[0-9]{6,9}\.json|(shards|index|ledger|removed|columns)/[A-Za-z0-9_.-]+\.(parquet|jsonl)|ledger\.jsonl)\.(?<part>[A-Za-z0-9_-]+)\.tmp\z", RegexOptions.ExplicitCapture)]
    private static partial Regex TemporaryName();

    [GeneratedRegex(@"^manifest/(?<version>[0-9]{6,9})\.json\z", RegexOptions.ExplicitCapture)]
    private static partial Regex VersionName();

    [GeneratedRegex(@"^[A-Za-z0-9_-]+\z", RegexOptions.ExplicitCapture)]
    private static partial Regex PartName();
}
