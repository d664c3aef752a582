namespace Xkd.Ingest;

/// <summary>Files that are listed once for each fold: gathers what the folds' lists say of each, in the order of the first mention.</summary>
internal sealed class FoldedFiles(AnnotationMistakes mistakes)
{
    private readonly Dictionary<string, Listed> _files = new(StringComparer.Ordinal);

    /// <summary>A file's part in a fold; null: it has none there, but is of the dataset.</summary>
    public void Add(string file, string label, int fold, string? part, Place place)
    {
        if (!_files.TryGetValue(file, out var listed))
        {
            _files.Add(file, listed = new Listed(label, place, []));
        }

        if (!listed.Parts.TryAdd(fold, (part, place)))
        {
            var (before, where) = listed.Parts[fold];
            mistakes.Add(place, $"{file} is listed again for fold {fold}: {part ?? "unused"} here, {before ?? "unused"} in {where}; keep one of the two");
        }
    }

    /// <summary>Hands everything over to a listing.</summary>
    /// <param name="listing">Takes the items.</param>
    /// <param name="archive">The folder that holds the class folders in the dataset's archive.</param>
    public void AddTo(ListingBuilder listing, string archive)
    {
        foreach (var (file, (label, place, parts)) in _files)
        {
            var folds = parts.Where(static part => part.Value.Part is not null).Select(static part => FormattableString.Invariant($"{part.Key}:{part.Value.Part}"));
            listing.AddFile(new SourceItem { Id = file, Path = "", Label = label, Labels = [label], Folds = [.. folds] }, archive, place);
        }
    }

    private sealed record Listed(string Label, Place Place, SortedDictionary<int, (string? Part, Place Place)> Parts);
}
