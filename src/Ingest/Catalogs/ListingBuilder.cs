using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Makes a listing of what the annotations say: each id once, in order, only the split that was asked for; what has no file is marked, what is
/// contradictory is a mistake, and what a person should know is noted.
/// </summary>
internal sealed class ListingBuilder(string dataset, CatalogOptions options, MediaFiles media, AnnotationMistakes mistakes)
{
    private readonly List<SourceItem> _items = [];
    private readonly List<Place> _places = [];
    private readonly Dictionary<string, int> _byId = new(StringComparer.Ordinal);
    private readonly List<(string Group, SourceItem Listed, Place Place)> _fileless = [];
    private readonly Dictionary<string, string> _prefixes = new(StringComparer.Ordinal);
    private int _repeated;
    private Place _firstRepeated;

    /// <summary>Words for <c>--split</c> that stand for several of the dataset's own.</summary>
    public IReadOnlyDictionary<string, string[]> SplitAliases { get; init; } = new Dictionary<string, string[]>(StringComparer.Ordinal);

    /// <summary>What else helps where two lines of one id differ; empty for nothing.</summary>
    public string Remedy { get; init; } = "";

    /// <summary>Adds an item as it is.</summary>
    public void Add(SourceItem item, Place place)
    {
        ref var index = ref CollectionsMarshal.GetValueRefOrAddDefault(_byId, item.Id, out var exists);
        if (!exists)
        {
            index = _items.Count;
            _items.Add(item);
            _places.Add(place);
        }
        else if (Differences(_items[index], item) is { Count: > 0 } differences)
        {
            mistakes.Add(place, $"{item.Id} is listed otherwise in {_places[index]} ({string.Join("; ", differences)}); keep one of the two{Remedy}");
        }
        else
        {
            Repeat(place);
        }
    }

    /// <summary>Counts a line that says again what another one said.</summary>
    public void Repeat(Place place) => _firstRepeated = _repeated++ == 0 ? place : _firstRepeated;

    /// <summary>Adds an item whose id is the path of its file.</summary>
    /// <param name="listed">The item; its id is the path as the list has it, relative to a folder that may lie anywhere under the root.</param>
    /// <param name="group">That folder's name in the archive: where files of the group should be if none is found.</param>
    /// <param name="place">Where it is listed.</param>
    public void AddFile(SourceItem listed, string group, Place place)
    {
        var (folder, name) = Split(listed.Id);
        if (media.Take(name, folder.Length > 0 ? LastPart(folder) : group) is not [var file, ..] files)
        {
            _fileless.Add((group, listed, place));
            return;
        }

        _prefixes.TryAdd(group, Prefix(file.Folder, folder));
        var item = listed with { Id = file.Relative };
        Add(file.Holding(item, media.Root) with { Alternatives = [.. files.Skip(1).Select(other => other.Holding(item, media.Root))] }, place);
    }

    /// <exception cref="UsageException">There are mistakes, or nothing to ingest.</exception>
    public CatalogListing Done()
    {
        mistakes.ThrowIfAny(dataset);
        foreach (var (group, listed, place) in _fileless)
        {
            var id = _prefixes.GetValueOrDefault(group, group) is { Length: > 0 } prefix ? $"{prefix}/{listed.Id}" : listed.Id;
            Add(listed with { Id = id, Path = Path.Combine(media.Root, id), IsAbsent = true }, place);
        }

        mistakes.ThrowIfAny(dataset);
        var items = options.Split is { } split ? Of(split) : _items;
        var absent = items.Count(static item => item.IsAbsent || item is { Flaw.Reason: FailureReasons.Absent });
        if (items.Count == absent)
        {
            throw new UsageException(items.Count == 0
                ? $"the annotations of {dataset} list no clip; name others with --annotations."
                : $"none of the {items.Count} clips listed in {_places[0].File} and others of its kind has a file under --root {media.Root}, "
                    + $"such as {items[0].Id} with any extension; name the folder that holds the media.");
        }

        items.Sort(static (left, right) => string.CompareOrdinal(left.Id, right.Id));
        return new CatalogListing(items, [.. Notes(items, absent)]);
    }

    private List<SourceItem> Of(string split)
    {
        var splits = SplitAliases.GetValueOrDefault(split, [split]);
        var items = _items.FindAll(item => splits.Contains(item.Split, StringComparer.Ordinal) || item.Folds.Contains(split, StringComparer.Ordinal));
        if (items.Count > 0)
        {
            return items;
        }

        var known = _items.Select(static item => item.Split).OfType<string>().Concat(SplitAliases.Keys).Concat(_items.SelectMany(static item => item.Folds))
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        throw new UsageException($"--split {split}: {dataset} has no such split; {(known.Count > 0 ? $"use {string.Join(", ", known)}, or none for all" : "leave it out")}.");
    }

    private IEnumerable<string> Notes(List<SourceItem> items, int absent)
    {
        if (absent > 0)
        {
            yield return Line($"{absent} of {items.Count} listed clips have no file, such as {items.Find(static item => item.IsAbsent || item is { Flaw.Reason: FailureReasons.Absent })!.Id}: the ledger has them as catalog/absent");
        }

        var left = media.Left().Select(static file => file.Relative).ToList();
        if (left.Count > 0)
        {
            yield return Line($"{left.Count} media files under {media.Root} are in no list and are left out, such as {left.Min(StringComparer.Ordinal)}");
        }

        if (_repeated > 0)
        {
            yield return Line($"{_repeated} lines say again what an earlier one says and count once, such as {_firstRepeated}");
        }

        if (media.Ambiguous > 0)
        {
            yield return Line($"{media.Ambiguous} clips have several files, of which video goes before audio and then the first path; the next is tried where one fails; such as {media.FirstAmbiguous}");
        }

        if (Elsewhere() is { Count: > 0 } elsewhere)
        {
            yield return Line($"{elsewhere.Count} files lie in the folder of another class than their list's, which decides, such as {elsewhere[0].Path} of class {elsewhere[0].Label}");
        }
    }

    private List<SourceItem> Elsewhere()
    {
        var classes = _items.Select(static item => item.Label).OfType<string>().Distinct(StringComparer.Ordinal).ToLookup(ClassName.Folded, StringComparer.Ordinal);
        var lookup = new Dictionary<string, bool>(StringComparer.Ordinal);
        return _items.FindAll(item =>
            item is { Label: { } label, IsAbsent: false } && Path.GetFileName(Path.GetDirectoryName(item.Path)) is { } folder && !ClassName.Same(folder, label) && IsClass(folder));

        bool IsClass(string folder)
        {
            ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(lookup, folder, out var seen);
            return known = seen ? known : classes.Contains(ClassName.Folded(folder));
        }
    }

    private List<string> Differences(SourceItem there, SourceItem here)
    {
        var differences = new List<string>();
        Compare("", Path.GetRelativePath(media.Root, there.Path), Path.GetRelativePath(media.Root, here.Path));
        Compare("label ", Joined(there.Labels), Joined(here.Labels));
        Compare("split ", there.Split ?? "none", here.Split ?? "none");
        Compare("folds ", Joined(there.Folds), Joined(here.Folds));
        Compare("start ", Seconds(there.Start), Seconds(here.Start));
        Compare("end ", Seconds(there.End), Seconds(here.End));
        return differences;

        void Compare(string what, string left, string right)
        {
            if (left != right)
            {
                differences.Add($"{what}{left} there, {right} here");
            }
        }

        static string Joined(IReadOnlyList<string> words) => words.Count > 0 ? string.Join(" + ", words) : "none";

        static string Seconds(double? seconds) => seconds is { } known ? FormattableString.Invariant($"{known}") : "none";
    }

    private static (string Folder, string Name) Split(string path) => path.LastIndexOf('/') is var slash and >= 0 ? (path[..slash], path[(slash + 1)..]) : ("", path);

    private static string LastPart(string folder) => folder[(folder.LastIndexOf('/') + 1)..];

    // What lies above the part of a path that the list has.
    private static string Prefix(string found, string listed)
    {
        var parts = found.Length == 0 ? [] : found.Split('/');
        var depth = listed.Length == 0 ? 0 : listed.Split('/').Length;
        return string.Join('/', parts[..Math.Max(0, parts.Length - depth)]);
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
