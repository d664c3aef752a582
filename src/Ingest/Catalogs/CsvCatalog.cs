using System.Globalization;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// A list of one's own: <c>--annotations FILE</c>, or the one CSV in the root. Columns: <c>path</c> (relative to the root; the only one that must be), <c>label</c> or
/// <c>labels</c> (separated by ';' or '|'), <c>split</c>, <c>fold</c> (a number: tested on in that fold, trained on in all others) or <c>folds</c> ("1:train;2:test"),
/// <c>start</c> and <c>end</c> (seconds), <c>id</c>. Without the latter an id is the path, of a stretch <c>path@STARTMS</c>.
/// </summary>
internal sealed class CsvCatalog(CatalogOptions options) : ICatalog
{
    private const string Dataset = "csv";
    private static readonly char[] Separators = [';', '|'];
    private static readonly string[] Known = ["path", "label", "labels", "split", "fold", "folds", "start", "end", "id"];
    private readonly AnnotationMistakes _mistakes = new();

    public CatalogListing List(CancellationToken cancellationToken = default)
    {
        var media = MediaFiles.List(options, cancellationToken, any: true);
        var finder = new AnnotationFinder(Dataset, options, media, cancellationToken);
        var listing = new ListingBuilder(Dataset, options, media, _mistakes) { Remedy = ", or give each an id of its own in a column id" };
        var lists = finder.Lists.Where(path => finder.IsOneFile || (path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) && Path.GetDirectoryName(path) == media.Root)).ToList();
        if (lists.Count != 1)
        {
            throw lists.Count == 0 ? finder.Missing("a CSV with a column path")
                : new UsageException($"there are {lists.Count} CSVs in {media.Root}, such as {lists[0]} and {lists[1]}; name one with --annotations.");
        }

        using var table = new CsvTable(lists[0], _mistakes, cancellationToken);
        foreach (var column in table.Columns.Except(Known, StringComparer.OrdinalIgnoreCase).Where(static column => column.Length > 0 && column[0] != '_'))
        {
            _mistakes.Add(new Place(table.Path, 1), $"column {column} is unknown; use {string.Join(", ", Known)}, or begin its name with '_' to have it passed over");
        }

        if (table.Require("path"))
        {
            Read(table, media, listing);
        }

        return listing.Done();
    }

    private static void Read(CsvTable table, MediaFiles media, ListingBuilder listing)
    {
        var rows = new List<(SourceItem Item, int? Fold, Place Place)>();
        foreach (var row in table.Rows())
        {
            if (Item(row, media) is { } item)
            {
                int? fold = int.TryParse(row["fold"], out var number) ? number : null;
                rows.Add((item, fold, row.Place));
            }
        }

        var folds = rows.Select(static row => row.Fold).OfType<int>().Distinct().Order().ToList();
        foreach (var (item, own, place) in rows)
        {
            var parts = folds.Select(fold => FormattableString.Invariant($"{fold}:{(fold == own ? "test" : "train")}"));
            listing.Add(own is null ? item : item with { Folds = [.. parts] }, place);
        }
    }

    private static SourceItem? Item(CsvRow row, MediaFiles media)
    {
        if (Find(row, media) is not var (path, file))
        {
            return null;
        }

        if (Folds(row) is not { } folds || Stretch(row) is not { } stretch)
        {
            return null;
        }

        var labels = row["label"] is { Length: > 0 } label ? [label] : row["labels"].Split(Separators, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var item = new SourceItem
        {
            Id = row["id"] is { Length: > 0 } id ? id : stretch.Start is { } start ? string.Create(CultureInfo.InvariantCulture, $"{path}@{Math.Round(start * 1000)}") : path,
            Path = Path.Combine(media.Root, path),
            Label = row["label"] is { Length: > 0 } ? row["label"] : null,
            Labels = labels,
            Split = row["split"] is { Length: > 0 } split ? split : null,
            Folds = folds,
            Start = stretch.Start,
            End = stretch.End,
        };

        // What the walk passed over, a hidden file, or one behind a second link to its folder, is there all the same.
        return file?.Holding(item, media.Root) ?? item with { IsAbsent = !File.Exists(item.Path) };
    }

    // The path below the root as the system has it, and the file if the walk met it. Only where there is no such file, a '\' may be another system's '/'.
    private static (string Path, MediaFile? File)? Find(CsvRow row, MediaFiles media)
    {
        var said = row["path"];
        if (said.Length == 0)
        {
            row.Mistake("path is empty");
            return null;
        }

        var path = Below(said);
        var file = media.TakePath(path);
        if (file is null && said.Contains('\\'))
        {
            path = Below(said.Replace('\\', '/'));
            file = media.TakePath(path);
        }

        if (path == ".." || path.StartsWith("../", StringComparison.Ordinal))
        {
            row.Mistake($"path {said} leads out of --root {media.Root}; name a root that holds all");
            return null;
        }

        return (path, file);

        string Below(string text) => Path.GetRelativePath(media.Root, Path.GetFullPath(text, media.Root));
    }

    private static (double? Start, double? End)? Stretch(CsvRow row)
    {
        var (start, end) = (row["start"], row["end"]);
        if (start.Length == 0 && end.Length == 0)
        {
            return (null, null);
        }

        return row.Stretch("start", start.Length == 0 ? "0" : start, "end", end) is var (from, to) ? (from, to) : null;
    }

    private static string[]? Folds(CsvRow row)
    {
        if (row["fold"] is { Length: > 0 } fold && (!int.TryParse(fold, out var number) || number < 1))
        {
            row.Mistake($"fold {fold} is not a number from 1 on");
            return null;
        }

        var folds = row["folds"].Split(Separators, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (Array.Find(folds, static text => text.Split(':') is not [var which, "train" or "val" or "test"] || !int.TryParse(which, out _)) is { } wrong)
        {
            row.Mistake($"folds {wrong} is not a number, ':' and train, val or test; such as 1:train;2:test");
            return null;
        }

        return folds;
    }
}
