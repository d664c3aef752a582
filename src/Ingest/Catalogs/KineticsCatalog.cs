using System.Collections.Frozen;

namespace Xkd.Ingest;

/// <summary>
/// Kinetics: CSVs with the columns <c>label, youtube_id, time_start, time_end, split</c> (the test list may come without labels), and clips called
/// <c>YTID_SSSSSS_EEEEEE</c>, or as downloaders call them (<see cref="RecordingName"/>), anywhere under the root. Ids are <c>YTID_SSSSSS_EEEEEE</c>. The lists decide labels, not the folders.
/// </summary>
/// <param name="dataset">Names it in errors.</param>
/// <param name="options">Where it lies.</param>
/// <param name="classes">Only these classes, folded (<see cref="ClassName.Folded(string)"/>); null: all.</param>
internal sealed class KineticsCatalog(string dataset, CatalogOptions options, FrozenSet<string>? classes = null) : ICatalog
{
    private readonly AnnotationMistakes _mistakes = new();

    public CatalogListing List(CancellationToken cancellationToken = default)
    {
        var media = MediaFiles.List(options, cancellationToken);
        var finder = new AnnotationFinder(dataset, options, media, cancellationToken, "annotations");
        var listing = new ListingBuilder(dataset, options, media, _mistakes);
        var lists = finder.Lists.Where(path => finder.IsOneFile || IsList(path, cancellationToken)).ToList();
        foreach (var path in lists)
        {
            using var table = new CsvTable(path, _mistakes, cancellationToken);
            Read(table, media, listing);
        }

        return lists.Count > 0 ? listing.Done() : throw finder.Missing("its lists (train.csv, val.csv, test.csv with the columns label, youtube_id, time_start, time_end, split)");
    }

    private static bool IsList(string path, CancellationToken cancellationToken)
    {
        if (!path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        using var table = new CsvTable(path, new AnnotationMistakes(), cancellationToken); // another's CSV is not ours to find fault with
        return table.Any("youtube_id") is not null;
    }

    private void Read(CsvTable table, MediaFiles media, ListingBuilder listing)
    {
        var named = SplitOf(Path.GetFileNameWithoutExtension(table.Path));
        if (!table.Require(["youtube_id", "time_start", "time_end", .. named == "test" ? Array.Empty<string>() : ["label"]]))
        {
            return;
        }

        foreach (var row in table.Rows())
        {
            var (video, label) = (row["youtube_id"], row["label"]);
            var split = row["split"] is { Length: > 0 } said ? SplitOf(said) ?? said : named;
            if (video.Length == 0)
            {
                row.Mistake("youtube_id is empty");
            }
            else if (label.Length == 0 && split != "test")
            {
                row.Mistake($"{video} has no label; only the test list may come without");
            }
            else if (row.Stretch("time_start", row["time_start"], "time_end", row["time_end"]) is { } stretch)
            {
                Add(Item(video, label, split, stretch, media), listing, row.Place);
            }
        }
    }

    private void Add(SourceItem item, ListingBuilder listing, Place place)
    {
        if (classes is null || (item.Label is { } label && classes.Contains(ClassName.Folded(label))))
        {
            listing.Add(item, place);
        }
    }

    private static SourceItem Item(string video, string label, string? split, (double Start, double End) stretch, MediaFiles media)
    {
        var id = FormattableString.Invariant($"{video}_{(long)stretch.Start:D6}_{(long)stretch.End:D6}");
        var folder = label.Length > 0 ? label : null;
        return media.TakeRecording(new SourceItem { Id = id, Path = "", Label = folder, Labels = folder is null ? [] : [folder], Split = split }, video, stretch.Start, stretch.End, folder);
    }

    // "validate", "kinetics400_val" and "k400_val_list" are val.
    private static string? SplitOf(string name) => Array.Find(
            name.ToLowerInvariant().Split('_', '-', '.', ' '), static word => word is "train" or "training" or "val" or "valid" or "validate" or "validation" or "test" or "testing")
        switch
    { null => null, ['t', 'r', ..] => "train", ['v', ..] => "val", _ => "test" };
}
