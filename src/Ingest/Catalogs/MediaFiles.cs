using System.Collections.Frozen;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// The media under a dataset's root, each folder listed once, and looked up by name without extension, or by the recording that a name is of: archives are repacked
/// into other containers and other folders, their names stay. What no list asked for can be told in the end.
/// </summary>
internal sealed class MediaFiles
{
    // Those that may hold both modalities come first, and are taken before a sound file of the same name.
    private static readonly FrozenDictionary<string, int> Containers = new[]
        {
            ".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".flv", ".mpg", ".mpeg", ".ts", ".3gp", ".wmv", ".ogv",
            ".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".aac", ".aif", ".aiff", ".wma", ".au",
        }
        .Index().ToFrozenDictionary(static container => container.Item, static container => container.Index, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Extensions = Containers.GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly FrozenSet<string> DocumentExtensions = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, ".csv", ".txt", ".json");

    private readonly List<Entry> _entries = [];

    // By the hash of a name, and of each part of it that may be a recording's id: two million texts would weigh more than the files. What is found is compared.
    private readonly Dictionary<int, int> _heads = [];
    private readonly List<(int Entry, int Next)> _chains = [];
    private readonly List<string> _documents = [];

    private MediaFiles(string root) => Root = root;

    /// <summary>Full path of the dataset's folder.</summary>
    public string Root { get; }

    /// <summary>Full paths of texts that may be annotations, in ordinal order.</summary>
    public IReadOnlyList<string> Documents => _documents;

    /// <summary>Names asked for of which there were several files.</summary>
    public int Ambiguous { get; private set; }

    /// <summary>One of them.</summary>
    public string? FirstAmbiguous { get; private set; }

    /// <param name="options">Names the root.</param>
    /// <param name="any">Files of any kind are media, not only the known containers.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="UsageException">The root is no folder, or one in it cannot be listed.</exception>
    public static MediaFiles List(CatalogOptions options, CancellationToken cancellationToken, bool any = false)
    {
        var root = CatalogRoot.Require(options.Root);
        var files = new MediaFiles(root);
        var (folder, relative) = ("", "");
        foreach (var file in new FolderWalk(root, options.Out).Files(cancellationToken))
        {
            if (!ReferenceEquals(file.Folder, folder))
            {
                (folder, relative) = (file.Folder, file.Folder.Length == root.Length ? "" : Path.GetRelativePath(root, file.Folder).Replace(Path.DirectorySeparatorChar, '/'));
            }

            files.Add(new MediaFile(relative, file.Name, file.Flaw), any);
        }

        files._documents.Sort(StringComparer.Ordinal);
        return files;
    }

    /// <summary>Takes the files of that name, whatever their containers, the best first.</summary>
    /// <param name="name">The name, with any extension.</param>
    /// <param name="folder">Where there are files in a folder of this name, those in others are none; a blank in it may be a '_'.</param>
    public IReadOnlyList<MediaFile> Take(string name, string folder)
    {
        var stem = Stem(name).ToString();
        var found = Find(stem, file => Stem(file.Name).SequenceEqual(stem));
        return Take(found.Exists(i => InFolder(i, folder)) ? found.FindAll(i => InFolder(i, folder)) : found, static _ => 0);
    }

    /// <summary>Takes the file at that path relative to the root, with '/'.</summary>
    public MediaFile? TakePath(string relative) =>
        Take(Find(Stem(relative.AsSpan(relative.LastIndexOf('/') + 1)), file => file.Relative == relative), static _ => 0) is [var file, ..] ? file : null;

    /// <summary>Takes the files that hold a stretch of a recording, cut out already or not, by their names (<see cref="RecordingName"/>): the best first.</summary>
    /// <param name="listed">The stretch: its id, labels and so on.</param>
    /// <param name="recording">The recording's id.</param>
    /// <param name="start">Where it starts, seconds.</param>
    /// <param name="end">Where it ends, seconds.</param>
    /// <param name="folder">Files in a folder of this name come before all others; a blank in it may be a '_'.</param>
    /// <returns>The stretch in the first of the files, the others being the <see cref="SourceItem.Alternatives"/>; an absent item where there is none.</returns>
    public SourceItem TakeRecording(SourceItem listed, string recording, double start, double end, string? folder)
    {
        var found = Find(recording, file => Holds(file) != RecordingName.Holds.Other);
        var items = Take(found, i => (IsCut(_entries[i].File) ? 0 : 2) + (folder is null || InFolder(i, folder) ? 0 : 1)).Select(Item).ToList();
        return items.Count > 0 ? items[0] with { Alternatives = items[1..] } : listed with { Path = Path.Combine(Root, listed.Id), IsAbsent = true };

        SourceItem Item(MediaFile file)
        {
            var item = file.Holding(listed, Root) with { NamesRecording = true };
            return IsCut(file) ? item : item with { MayBeCut = true, Start = start, End = end };
        }

        bool IsCut(MediaFile file) => Holds(file) == RecordingName.Holds.Stretch;

        RecordingName.Holds Holds(MediaFile file) => RecordingName.Of(Stem(file.Name), recording, start, end);
    }

    /// <summary>Media files that nothing took, in no particular order.</summary>
    public IEnumerable<MediaFile> Left() => _entries.Where(static entry => !entry.Taken && Containers.ContainsKey(Path.GetExtension(entry.File.Name))).Select(static entry => entry.File);

    private void Add(MediaFile file, bool any)
    {
        var extension = Path.GetExtension(file.Name);
        if (DocumentExtensions.Contains(extension) && file.Flaw == FileFlaw.None)
        {
            _documents.Add(Path.Combine(Root, file.Relative));
        }

        if (any || Containers.ContainsKey(extension))
        {
            _entries.Add(new Entry(file, Taken: false));
            var stem = Stem(file.Name);
            Chain(stem);
            foreach (var part in RecordingName.Ids(stem))
            {
                if (part.GetOffsetAndLength(stem.Length).Length < stem.Length)
                {
                    Chain(stem[part]);
                }
            }
        }
    }

    private void Chain(ReadOnlySpan<char> name)
    {
        ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, string.GetHashCode(name, StringComparison.Ordinal), out var exists);
        _chains.Add((_entries.Count - 1, exists ? head : -1));
        head = _chains.Count - 1;
    }

    // youtube-dl -o ID.mp4 merges into ID.mp4.mkv.
    private static ReadOnlySpan<char> Stem(ReadOnlySpan<char> name)
    {
        do
        {
            name = Path.GetFileNameWithoutExtension(name);
        }
        while (Extensions.ContainsKey(Path.GetExtension(name)));
        return name;
    }

    private bool InFolder(int entry, string folder) => ClassName.Same(_entries[entry].File.Parent, folder);

    private List<int> Find(ReadOnlySpan<char> name, Func<MediaFile, bool> fits)
    {
        var found = new List<int>();
        for (var i = _heads.GetValueOrDefault(string.GetHashCode(name, StringComparison.Ordinal), -1); i >= 0; i = _chains[i].Next)
        {
            if (fits(_entries[_chains[i].Entry].File) && !found.Contains(_chains[i].Entry))
            {
                found.Add(_chains[i].Entry);
            }
        }

        return found;
    }

    private List<MediaFile> Take(List<int> found, Func<int, int> rank)
    {
        if (found.Count == 0)
        {
            return [];
        }

        var count = 0;
        foreach (var i in found)
        {
            count += _entries[i].Taken ? 0 : 1;
            _entries[i] = _entries[i] with { Taken = true };
        }

        var files = found.OrderBy(i => _entries[i].File.Flaw != FileFlaw.None).ThenBy(rank).ThenBy(i => Order(_entries[i].File)).ThenBy(i => _entries[i].File.Relative, StringComparer.Ordinal)
            .Select(i => _entries[i].File).ToList();
        if (count > 1)
        {
            Ambiguous++;
            FirstAmbiguous ??= files[0].Relative;
        }

        return files;
    }

    private static int Order(MediaFile file) => Containers.GetValueOrDefault(Path.GetExtension(file.Name), int.MaxValue);

    private readonly record struct Entry(MediaFile File, bool Taken);
}
