using System.Text.RegularExpressions;

namespace Xkd.Ingest;

/// <summary>
/// HMDB51: <c>CLASS/NAME.avi</c>, in the folds of <c>CLASS_test_split{1,2,3}.txt</c>, each line a name and 1 (train), 2 (test) or 0 (unused in that fold).
/// Ids are paths.
/// </summary>
internal sealed partial class Hmdb51Catalog(CatalogOptions options) : ICatalog
{
    private const string Dataset = "hmdb51";
    private readonly AnnotationMistakes _mistakes = new();

    public CatalogListing List(CancellationToken cancellationToken = default)
    {
        var media = MediaFiles.List(options, cancellationToken);
        var finder = new AnnotationFinder(Dataset, options, media, cancellationToken, "testTrainMulti_7030_splits");
        var files = new FoldedFiles(_mistakes);
        foreach (var (path, label, fold) in Lists(finder))
        {
            foreach (var (place, text) in AnnotationText.Lines(path, _mistakes, cancellationToken))
            {
                Read(place, text, label, fold, files);
            }
        }

        var listing = new ListingBuilder(Dataset, options, media, _mistakes);
        files.AddTo(listing, "videos");
        return listing.Done();
    }

    private List<(string Path, string Label, int Fold)> Lists(AnnotationFinder finder)
    {
        var lists = (finder.IsOneFile ? finder.Beside : finder.Lists)
            .Select(static path => (Path: path, Match: ListName().Match(Path.GetFileName(path))))
            .Where(static list => list.Match.Success)
            .Select(static list => (list.Path, Label: list.Match.Groups[1].Value, Fold: int.Parse(list.Match.Groups[2].ValueSpan)))
            .ToList();
        var folds = lists.Select(static list => list.Fold).Distinct().Order().ToList();
        foreach (var list in lists.GroupBy(static list => list.Label))
        {
            var own = list.Select(static l => l.Fold).Order().ToList();
            if (!own.SequenceEqual(folds))
            {
                _mistakes.Add($"{list.First().Path}: class {list.Key} has lists for the folds {string.Join(", ", own)}, others for {string.Join(", ", folds)}; one list for each fold is needed");
            }
        }

        return lists.Count > 0 ? lists : throw finder.Missing("CLASS_test_split1.txt and so on");
    }

    private void Read(Place place, string text, string label, int fold, FoldedFiles files)
    {
        if (LineOf().Match(text) is not { Success: true } match)
        {
            _mistakes.Add(place, $"\"{text}\" is not a file's name and 0, 1 or 2");
            return;
        }

        var part = match.Groups[2].Value switch { "1" => "train", "2" => "test", _ => null };
        files.Add($"{label}/{match.Groups[1].Value}", label, fold, part, place);
    }

    [GeneratedRegex(@"^(.+)_test_split(\d{1,3})\.txt$")]
    private static partial Regex ListName();

    [GeneratedRegex(@"^(\S.*?)\s+([012])$")]
    private static partial Regex LineOf();
}
