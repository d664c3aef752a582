using System.Text;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Lists every folder below a root once, whatever links lead to it, and under the same name each time: its own, or that of the first link. Names that begin with a
/// dot are hidden, and caches, which hold what was media once, are passed over.
/// </summary>
/// <param name="root">Full path of an existing folder.</param>
/// <param name="cache">Full path of a folder to pass over, whatever it holds by now; null for none.</param>
internal sealed class FolderWalk(string root, string? cache)
{
    private readonly List<string> _caches = [];
    private readonly List<string> _repeated = [];

    /// <summary>Full paths of the other caches that were met, in no particular order.</summary>
    public IReadOnlyList<string> Caches => _caches;

    /// <summary>Full paths of links to folders that are listed under another name, in no particular order.</summary>
    public IReadOnlyList<string> Repeated => _repeated;

    /// <summary>The files, folder by folder, in no particular order.</summary>
    /// <exception cref="UsageException">A folder cannot be listed.</exception>
    public IEnumerable<WalkedFile> Files(CancellationToken cancellationToken)
    {
        var pending = new Stack<Folder>([Root()]);
        var links = new PriorityQueue<Folder, string>(StringComparer.Ordinal);
        var known = new HashSet<FolderNumber> { pending.Peek().Number };
        while (Next(pending, links, known) is { } current)
        {
            foreach (var entry in Entries(current, cancellationToken))
            {
                if (entry.Folder is not { } number)
                {
                    yield return new WalkedFile(current.Path, entry.Name, current.NotUtf8 || entry.Bytes is not null ? FileFlaw.NotUtf8 : entry.LeadsNowhere ? FileFlaw.LeadsNowhere : FileFlaw.None);
                    continue;
                }

                var folder = current.Below(entry, number);
                if (folder.Path == cache)
                {
                    continue;
                }

                if (CacheName.IsAt(folder.Path))
                {
                    _caches.Add(folder.Path);
                }
                else if (entry.IsLink)
                {
                    links.Enqueue(folder, folder.Path);
                }
                else if (known.Add(number) || !folder.Linked)
                {
                    // A file system may number its folders badly: only links, and what lies behind them, can lead to a folder twice.
                    pending.Push(folder);
                }
            }
        }
    }

    // What is really there comes first, then the links one after the other.
    private Folder? Next(Stack<Folder> pending, PriorityQueue<Folder, string> links, HashSet<FolderNumber> known)
    {
        if (pending.TryPop(out var folder))
        {
            return folder;
        }

        while (links.TryDequeue(out var link, out var path))
        {
            if (known.Add(link.Number))
            {
                return link;
            }

            _repeated.Add(path);
        }

        return null;
    }

    private Folder Root()
    {
        var bytes = Encoding.UTF8.GetBytes(root);
        try
        {
            return new Folder(root, bytes, FolderEntries.NumberOf(bytes), Linked: false, NotUtf8: false);
        }
        catch (IOException exception)
        {
            throw Unlisted(root, exception);
        }
    }

    private static List<FolderEntry> Entries(Folder folder, CancellationToken cancellationToken)
    {
        try
        {
            return FolderEntries.Read(folder.Bytes, cancellationToken);
        }
        catch (IOException exception)
        {
            throw Unlisted(folder.Path, exception);
        }
    }

    private static UsageException Unlisted(string folder, IOException exception) =>
        new($"the folder {folder} cannot be listed ({exception.Message}); allow reading it, or move it elsewhere.", exception);

    /// <summary>A folder to be listed.</summary>
    /// <param name="Path">Its full path as text.</param>
    /// <param name="Bytes">The same as the system knows it.</param>
    /// <param name="Number">Which folder it is.</param>
    /// <param name="Linked">It is a link, or lies behind one.</param>
    /// <param name="NotUtf8">Its path is not UTF-8.</param>
    private sealed record Folder(string Path, byte[] Bytes, FolderNumber Number, bool Linked, bool NotUtf8)
    {
        public Folder Below(FolderEntry entry, FolderNumber number) => new(
            System.IO.Path.Combine(Path, entry.Name), [.. Bytes, (byte)'/', .. entry.Bytes ?? Encoding.UTF8.GetBytes(entry.Name)], number, Linked || entry.IsLink, NotUtf8 || entry.Bytes is not null);
    }
}
