using System.Text.RegularExpressions;

namespace Xkd.Ingest;

/// <summary>
/// UCF101: <c>CLASS/v_CLASS_gGG_cCC.avi</c>, in the folds of <c>trainlist01…03.txt</c> (each line a file and its class's number in <c>classInd.txt</c>) and
/// <c>testlist01…03.txt</c> (each line a file). Ids are paths.
/// </summary>
internal sealed partial class Ucf101Catalog(CatalogOptions options) : ICatalog
{
    private const string Dataset = "ucf101";
    private readonly AnnotationMistakes _mistakes = new();

    public CatalogListing List(CancellationToken cancellationToken = default)
    {
        var media = MediaFiles.List(options, cancellationToken);
        var finder = new AnnotationFinder(Dataset, options, media, cancellationToken, "ucfTrainTestlist");
        var lists = Lists(finder);
        var classes = finder.Companion("classInd.txt") is { } index ? ReadClasses(index, cancellationToken) : null;
        var files = new FoldedFiles(_mistakes);
        foreach (var (path, fold, part) in lists)
        {
            foreach (var (place, text) in AnnotationText.Lines(path, _mistakes, cancellationToken))
            {
                Read(place, text, fold, part, classes, files);
            }
        }

        var listing = new ListingBuilder(Dataset, options, media, _mistakes);
        files.AddTo(listing, "UCF-101");
        return listing.Done();
    }

    private List<(string Path, int Fold, string Part)> Lists(AnnotationFinder finder)
    {
        var lists = (finder.IsOneFile ? finder.Beside : finder.Lists)
            .Select(static path => (Path: path, Match: ListName().Match(Path.GetFileName(path))))
            .Where(static list => list.Match.Success)
            .Select(static list => (list.Path, Fold: int.Parse(list.Match.Groups[2].ValueSpan), Part: list.Match.Groups[1].Value))
            .ToList();
        foreach (var fold in lists.GroupBy(static list => list.Fold))
        {
            var parts = fold.Select(static list => list.Part).ToList();
            if (parts.Count != 2 || parts[0] == parts[1])
            {
                _mistakes.Add($"fold {fold.Key} has {string.Join(" and ", fold.Select(static list => list.Path))}, not one trainlist and one testlist; name their folder with --annotations");
            }
        }

        return lists.Count > 0 ? lists : throw finder.Missing("trainlist01.txt, testlist01.txt and so on");
    }

    private Dictionary<string, int> ReadClasses(string path, CancellationToken cancellationToken)
    {
        var classes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (place, text) in AnnotationText.Lines(path, _mistakes, cancellationToken))
        {
            if (text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is not [var number, var name] || !int.TryParse(number, out var index))
            {
                _mistakes.Add(place, $"\"{text}\" is not a class's number and its name");
            }
            else if (!classes.TryAdd(name, index) || classes.Values.Count(known => known == index) > 1)
            {
                _mistakes.Add(place, $"class {name} or its number {number} is there twice");
            }
        }

        return classes;
    }

    private void Read(Place place, string text, int fold, string part, Dictionary<string, int>? classes, FoldedFiles files)
    {
        var (file, number) = LineOf().Match(text) is { Success: true } match ? (match.Groups[1].Value.Replace('\\', '/'), match.Groups[2].Value) : (text, "");
        if (file.Split('/') is not [{ Length: > 0 } label, { Length: > 0 }])
        {
            _mistakes.Add(place, $"\"{text}\" is not CLASS/FILE.avi{(part == "train" ? " and the class's number" : "")}");
        }
        else if (classes is not null && !classes.ContainsKey(label))
        {
            _mistakes.Add(place, $"class {label} is not in classInd.txt");
        }
        else if (part == "train" && number.Length == 0)
        {
            _mistakes.Add(place, $"{file} has no class number after it");
        }
        else if (number.Length > 0 && classes is not null && classes[label].ToString() != number)
        {
            _mistakes.Add(place, $"{file} has class number {number}, which classInd.txt says is {classes.FirstOrDefault(known => known.Value.ToString() == number).Key ?? "no class"}; {label} is {classes[label]}");
        }
        else
        {
            files.Add(file, label, fold, part, place);
        }
    }

    [GeneratedRegex(@"^(train|test)list0*(\d{1,3})\.txt$")]
    private static partial Regex ListName();

    // A file, and perhaps a number.
    [GeneratedRegex(@"^(.*?)(?:\s+(\d+))?$")]
    private static partial Regex LineOf();
}
