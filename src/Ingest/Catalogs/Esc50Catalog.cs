namespace Xkd.Ingest;

/// <summary>
/// ESC-50: <c>audio/*.wav</c> and <c>meta/esc50.csv</c> with the columns <c>filename, fold, target, category</c>. Of five folds, the k-th tests on the
/// files of fold k and trains on the others. Ids are paths.
/// </summary>
internal sealed class Esc50Catalog(CatalogOptions options) : ICatalog
{
    private const string Dataset = "esc50";
    private const int Folds = 5;
    private static readonly string[][] Memberships =
        [.. Enumerable.Range(1, Folds).Select(static own => Enumerable.Range(1, Folds).Select(fold => FormattableString.Invariant($"{fold}:{(fold == own ? "test" : "train")}")).ToArray())];

    private readonly AnnotationMistakes _mistakes = new();

    public CatalogListing List(CancellationToken cancellationToken = default)
    {
        var media = MediaFiles.List(options, cancellationToken);
        var finder = new AnnotationFinder(Dataset, options, media, cancellationToken, "meta");
        var listing = new ListingBuilder(Dataset, options, media, _mistakes);
        using var table = new CsvTable(finder.One("esc50.csv"), _mistakes, cancellationToken);
        if (table.Require("filename", "fold", "target", "category"))
        {
            Read(table, listing);
        }

        return listing.Done();
    }

    private static void Read(CsvTable table, ListingBuilder listing)
    {
        var targets = new Dictionary<string, (string Target, Place Place)>(StringComparer.Ordinal);
        foreach (var row in table.Rows())
        {
            var (file, category, target) = (row["filename"], row["category"], row["target"]);
            if (file.Length == 0 || category.Length == 0)
            {
                row.Mistake("filename and category may not be empty");
            }
            else if (!int.TryParse(row["fold"], out var fold) || fold is < 1 or > Folds)
            {
                row.Mistake($"fold {row["fold"]} of {file} is not 1 to {Folds}");
            }
            else if (targets.TryAdd(category, (target, row.Place)) || targets[category].Target == target)
            {
                listing.AddFile(new SourceItem { Id = file, Path = "", Label = category, Labels = [category], Folds = Memberships[fold - 1] }, "audio", row.Place);
            }
            else
            {
                row.Mistake($"{file} of category {category} has target {target}, in {targets[category].Place} it is {targets[category].Target}");
            }
        }
    }
}
