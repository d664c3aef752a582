using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Xkd.Cli.Tests.Docs;

/// <summary>THIRD-PARTY.md: what a release carries of others, with licence and copyright, as the lock file and the packages say.</summary>
internal static partial class ThirdPartyPage
{
    // Not in the lock file: the runtime of a self-contained program, and the charting script that is taken out of its package.
    private static readonly Row[] Others =
    [
        new("Microsoft .NET runtime", "10.0", "MIT", "Copyright (c) .NET Foundation and Contributors"),
        new("plotly.js (basic)", "3.7.0", "MIT", "Copyright 2012-2026, Plotly, Inc."),
    ];

    // Packages that say so only by an address, or name the people and no licence.
    private static readonly Dictionary<string, string> ByAddress = new(StringComparer.Ordinal) { ["K4os.Compression.LZ4"] = "MIT" };

    // Natives of other systems are never copied.
    private static readonly string[] NotShipped = ["SkiaSharp.NativeAssets.macOS", "SkiaSharp.NativeAssets.Win32", "Meziantou.Analyzer", "Microsoft.CodeAnalysis.BannedApiAnalyzers"];

    /// <param name="lockFile">That of the command.</param>
    /// <param name="packages">Folders of NuGet's packages; the first that has one counts.</param>
    public static string Write(string lockFile, IReadOnlyList<string> packages)
    {
        using var locked = JsonDocument.Parse(File.ReadAllBytes(lockFile));
        var shipped = locked.RootElement.GetProperty("dependencies").EnumerateObject().SelectMany(framework => framework.Value.EnumerateObject())
            .Where(package => package.Value.GetProperty("type").GetString() != "Project" && !NotShipped.Contains(package.Name))
            .Select(package => (package.Name, Version: package.Value.GetProperty("resolved").GetString()!)).Distinct()
            .Select(package => Read(package.Name, package.Version, packages)).Concat(Others).OrderBy(row => row.Name, StringComparer.OrdinalIgnoreCase).ToList();
        StringBuilder page = new("""
            # What a release carries of others

            Made from the lock file and the packages by `tools/docs/build.sh`. libtorch is fetched, not carried; ffmpeg is the machine's own. The archive's folder `licences` has the texts
            that the packages bring, with what they carry themselves.

            | package | version | licence | copyright |
            |---|---|---|---|

            """);
        foreach (var row in shipped)
        {
            page.Append($"| {row.Name} | {row.Version} | {row.Licence} | {row.Copyright} |\n");
        }

        return page.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>The licences that the page names, each once.</summary>
    public static IReadOnlyList<string> Licences(string page) =>
        [.. Rows().Matches(page).Select(row => row.Groups["licence"].Value).SelectMany(licence => licence.Split(" OR ")).Distinct().Order(StringComparer.Ordinal)];

    private static Row Read(string name, string version, IReadOnlyList<string> packages)
    {
        var file = packages.Select(folder => Path.Combine(folder, name.ToLowerInvariant(), version.ToLowerInvariant(), $"{name.ToLowerInvariant()}.nuspec")).First(File.Exists);
        var metadata = XDocument.Load(file).Root!.Elements().Single(e => e.Name.LocalName == "metadata");
        string? Value(string element) => metadata.Elements().FirstOrDefault(e => e.Name.LocalName == element)?.Value.Trim();
        var expression = metadata.Elements().FirstOrDefault(e => e.Name.LocalName == "license" && (string?)e.Attribute("type") == "expression")?.Value;
        var licence = expression ?? ByAddress.GetValueOrDefault(name) ?? throw new NotSupportedException($"{name} {version} names no licence by its SPDX identifier; look, and add it here");
        return new Row(name, version, licence, Spaces().Replace(Value("copyright") is { Length: > 0 } copyright ? copyright : Value("authors")!, " "));
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^\| [^|]+ \| [0-9][^|]* \| (?<licence>[^|]+) \| [^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex Rows();

    private sealed record Row(string Name, string Version, string Licence, string Copyright);
}
