using System.Collections.Frozen;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// The media under a dataset's root, each folder listed once, and looked up by name without extension: archives are repacked into other
/// containers and other folders, their names stay. What no list asked for can be told in the end.
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

    private static readonly FrozenSet<string> DocumentExtensions = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, ".csv", ".txt", ".json");

    private readonly List<Entry> _entries = [];
    private readonly Dictionary<string, int> _heads = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly List<string> _documents = [];

    private MediaFiles(string root)
    {
        Root = root;
        _lookup = _heads.GetAlternateLookup<ReadOnlySpan<char>>();
    }

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
    /// <exception cref="UsageException">The root is no folder, or one in it cannot be listed.</exception>
    public static MediaFiles List(CatalogOptions options, bool any = false)
    {
        var root = CatalogRoot.Require(options.Root);
        var files = new MediaFiles(root);
        var (folder, relative) = ("", "");
        foreach (var (current, name) in FolderWalk.Files(root, options.Out))
        {
            if (!ReferenceEquals(current, folder))
            {
                (folder, relative) = (current, current.Length == root.Length ? "" : Path.GetRelativePath(root, current).Replace(Path.DirectorySeparatorChar, '/'));
            }

            files.Add(new MediaFile(relative, name), any);
        }

        files._documents.Sort(StringComparer.Ordinal);
        return files;
    }

    /// <summary>Takes the file of that name, whatever its container; null when there is none.</summary>
    /// <param name="stem">The name without its extension.</param>
    /// <param name="folder">Files in a folder of this name come before all others; a blank in it may be a '_'.</param>
    public MediaFile? Take(ReadOnlySpan<char> stem, string? folder = null)
    {
        if (!_lookup.TryGetValue(stem, out var head))
        {
            return null;
        }

        if (folder is not null && _entries[head].Next >= 0)
        {
            for (var i = head; i >= 0; i = _entries[i].Next)
            {
                if (ClassName.Same(_entries[i].File.Parent, folder))
                {
                    return Take(head, file => ClassName.Same(file.Parent, folder));
                }
            }
        }

        return Take(head, static _ => true);
    }

    /// <summary>Takes the file at that path relative to the root, with '/'.</summary>
    public MediaFile? TakePath(string relative) =>
        _lookup.TryGetValue(Path.GetFileNameWithoutExtension(relative.AsSpan()), out var head) ? Take(head, file => file.Relative == relative) : null;

    /// <summary>Media files that nothing took, in no particular order.</summary>
    public IEnumerable<MediaFile> Left() => _entries.Where(static entry => !entry.Taken && Containers.ContainsKey(Path.GetExtension(entry.File.Name))).Select(static entry => entry.File);

    private void Add(MediaFile file, bool any)
    {
        var extension = Path.GetExtension(file.Name);
        if (DocumentExtensions.Contains(extension))
        {
            _documents.Add(Path.Combine(Root, file.Relative));
        }

        if (any || Containers.ContainsKey(extension))
        {
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, Path.GetFileNameWithoutExtension(file.Name), out var exists);
            _entries.Add(new Entry(file, exists ? head : -1, Taken: false));
            head = _entries.Count - 1;
        }
    }

    private MediaFile? Take(int head, Func<MediaFile, bool> fits)
    {
        var (best, count) = (-1, 0);
        for (var i = head; i >= 0; i = _entries[i].Next)
        {
            if (fits(_entries[i].File))
            {
                best = best < 0 || Compare(_entries[i].File, _entries[best].File) < 0 ? i : best;
                count += _entries[i].Taken ? 0 : 1;
                _entries[i] = _entries[i] with { Taken = true };
            }
        }

        if (count > 1)
        {
            Ambiguous++;
            FirstAmbiguous ??= _entries[best].File.Relative;
        }

        return best < 0 ? null : _entries[best].File;
    }

    private static int Compare(MediaFile left, MediaFile right)
    {
        var order = Order(left).CompareTo(Order(right));
        return order != 0 ? order : string.CompareOrdinal(left.Relative, right.Relative);

        static int Order(MediaFile file) => Containers.GetValueOrDefault(Path.GetExtension(file.Name), int.MaxValue);
    }

    // Files of one name without extension are chained.
    private readonly record struct Entry(MediaFile File, int Next, bool Taken);
}
