namespace Xkd.Ingest;

/// <summary>
/// FSD50K: <c>FSD50K.dev_audio/N.wav</c>, <c>FSD50K.eval_audio/N.wav</c> and, in <c>FSD50K.ground_truth</c>, <c>dev.csv</c> (<c>fname, labels, mids, split</c>
/// with the splits train and val), <c>eval.csv</c> (the split eval) and <c>vocabulary.csv</c> (number, label, mid; no header). Ids are paths;
/// <c>--split dev</c> takes train and val.
/// </summary>
internal sealed class Fsd50kCatalog(CatalogOptions options) : ICatalog
{
    private const string Dataset = "fsd50k";
    private readonly AnnotationMistakes _mistakes = new();

    public CatalogListing List(CancellationToken cancellationToken = default)
    {
        var media = MediaFiles.List(options, cancellationToken);
        var finder = new AnnotationFinder(Dataset, options, media, cancellationToken, "FSD50K.ground_truth");
        var listing = new ListingBuilder(Dataset, options, media, _mistakes)
        {
            SplitAliases = new Dictionary<string, string[]>(StringComparer.Ordinal) { ["dev"] = ["train", "val"], ["test"] = ["eval"] },
        };
        var vocabulary = ReadVocabulary(finder.Companion("vocabulary.csv"), cancellationToken);
        foreach (var (name, part) in new[] { ("dev.csv", "dev"), ("eval.csv", "eval") })
        {
            if (finder.IsOneFile && Path.GetFileName(finder.Lists[0]) != name)
            {
                continue;
            }

            using var table = new CsvTable(finder.One(name), _mistakes, cancellationToken);
            if (table.Require(["fname", "labels", .. part == "dev" ? ["split"] : Array.Empty<string>()]))
            {
                Read(table, part, vocabulary, listing);
            }
        }

        var done = listing.Done();
        return vocabulary is not null ? done : done with { Notes = [.. done.Notes, "there is no vocabulary.csv: the labels are not checked"] };
    }

    private static bool SameMids(IEnumerable<string> left, IEnumerable<string> right) => left.Order(StringComparer.Ordinal).SequenceEqual(right.Order(StringComparer.Ordinal), StringComparer.Ordinal);

    private Dictionary<string, string>? ReadVocabulary(string? path, CancellationToken cancellationToken)
    {
        if (path is null)
        {
            return null;
        }

        var vocabulary = new Dictionary<string, string>(StringComparer.Ordinal);
        using var table = new CsvTable(path, _mistakes, cancellationToken, header: false);
        foreach (var row in table.Rows())
        {
            if (row.Count != 3 || row[1].Length == 0)
            {
                row.Mistake("a row is a number, a label and its mid");
            }
            else if (!vocabulary.TryAdd(row[1], row[2]))
            {
                row.Mistake($"label {row[1]} is there twice");
            }
        }

        return vocabulary;
    }

    private static void Read(CsvTable table, string part, Dictionary<string, string>? vocabulary, ListingBuilder listing)
    {
        foreach (var row in table.Rows())
        {
            var name = row["fname"];
            var split = part == "dev" ? row["split"] : part;
            var labels = row["labels"].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var mids = row["mids"].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (name.Length == 0 || labels.Length == 0)
            {
                row.Mistake("fname and labels may not be empty");
            }
            else if (part == "dev" && split is not ("train" or "val"))
            {
                row.Mistake($"split {split} of {name} is neither train nor val");
            }
            else if (vocabulary is not null && Array.Find(labels, label => !vocabulary.ContainsKey(label)) is { } unknown)
            {
                row.Mistake($"label {unknown} of {name} is not in vocabulary.csv");
            }
            else if (vocabulary is not null && mids.Length > 0 && !SameMids(labels.Select(label => vocabulary[label]), mids))
            {
                row.Mistake($"the labels of {name} have the mids {string.Join(",", labels.Select(label => vocabulary[label]))} in vocabulary.csv, not {row["mids"]}");
            }
            else
            {
                listing.AddFile(new SourceItem { Id = Path.HasExtension(name) ? name : name + ".wav", Path = "", Labels = labels, Split = split }, $"FSD50K.{part}_audio", row.Place);
            }
        }
    }
}
