namespace Xkd.Ingest;

/// <summary>
/// AudioSet: <c>{balanced_train,unbalanced_train,eval}_segments.csv</c> (rows <c>YTID, start, end, "mid,mid"</c>), names of the labels
/// (<see cref="AudioSetLabels"/>), and media anywhere under the root, under the names that downloaders give them (<see cref="RecordingName"/>). Ids are <c>YTID_STARTMS</c>.
/// Splits are the lists' own names; <c>--split train</c> takes both training lists.
/// </summary>
internal sealed class AudioSetCatalog(CatalogOptions options) : ICatalog
{
    private const string Dataset = "audioset";
    private const string ListEnding = "_segments.csv";
    private const string NoNames = "there is no class_labels_indices.csv or ontology.json: labels stay ids such as /m/09x0r; put one beside the lists to have names";
    private readonly AnnotationMistakes _mistakes = new();

    public CatalogListing List(CancellationToken cancellationToken = default)
    {
        var media = MediaFiles.List(options, cancellationToken);
        var finder = new AnnotationFinder(Dataset, options, media, cancellationToken);
        var listing = new ListingBuilder(Dataset, options, media, _mistakes)
        {
            SplitAliases = new Dictionary<string, string[]>(StringComparer.Ordinal) { ["train"] = ["balanced_train", "unbalanced_train"], ["test"] = ["eval"] },
        };
        var lists = finder.Lists.Where(path => finder.IsOneFile || path.EndsWith(ListEnding, StringComparison.Ordinal)).ToList();
        if (lists.Count == 0)
        {
            throw finder.Missing("its lists (balanced_train_segments.csv, unbalanced_train_segments.csv, eval_segments.csv)");
        }

        var labels = new AudioSetLabels(finder, _mistakes, cancellationToken);
        foreach (var path in lists)
        {
            using var table = new CsvTable(path, _mistakes, cancellationToken, header: false, comments: true);
            Read(table, Path.GetFileNameWithoutExtension(path).Replace("_segments", ""), labels, media, listing);
        }

        var done = listing.Done();
        return labels.Known ? done : done with { Notes = [.. done.Notes, NoNames] };
    }

    private static void Read(CsvTable table, string split, AudioSetLabels labels, MediaFiles media, ListingBuilder listing)
    {
        foreach (var row in table.Rows())
        {
            if (row.Count != 4)
            {
                row.Mistake(FormattableString.Invariant($"{row.Count} fields where YTID, start, end and the quoted labels are 4"));
            }
            else if (row[0].Equals("YTID", StringComparison.OrdinalIgnoreCase))
            {
                continue; // copies without the comment sign
            }
            else if (row[0].Length == 0)
            {
                row.Mistake("YTID is empty");
            }
            else if (row.Stretch("start_seconds", row[1], "end_seconds", row[2]) is { } stretch && labels.Of(row, row[3]) is { } named)
            {
                listing.Add(Item(row[0], stretch, named, split, media), row.Place);
            }
        }
    }

    private static SourceItem Item(string video, (double Start, double End) stretch, string[] labels, string split, MediaFiles media)
    {
        var id = FormattableString.Invariant($"{video}_{(long)Math.Round(stretch.Start * 1000)}");
        return media.TakeRecording(new SourceItem { Id = id, Path = "", Labels = labels, Split = split }, video, stretch.Start, stretch.End, folder: null);
    }
}
