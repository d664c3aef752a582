using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Lists every folder below a root once. Names that begin with a dot are hidden, and caches, which hold what was media once, are passed over.</summary>
internal static class FolderWalk
{
    /// <summary>The files, folder by folder, in no particular order.</summary>
    /// <param name="root">Full path of an existing folder.</param>
    /// <param name="cache">Full path of a folder to pass over, whatever it holds by now; null for none.</param>
    /// <param name="passedOver">Takes the full paths of the other caches that were met; null where nobody asks.</param>
    /// <exception cref="UsageException">A folder cannot be listed.</exception>
    public static IEnumerable<(string Folder, string Name)> Files(string root, string? cache = null, ICollection<string>? passedOver = null)
    {
        var pending = new Stack<string>([root]);
        var linked = new HashSet<string>(StringComparer.Ordinal) { root };
        while (pending.TryPop(out var current))
        {
            foreach (var entry in Entries(current))
            {
                if (entry.Name.StartsWith('.'))
                {
                    continue;
                }

                if (entry is DirectoryInfo directory)
                {
                    if (directory.FullName == cache)
                    {
                        continue;
                    }

                    if (CacheName.IsAt(directory.FullName))
                    {
                        passedOver?.Add(directory.FullName);
                        continue;
                    }

                    // A link to a folder above itself would be walked for ever: each link's target is walked once.
                    if (directory.LinkTarget is null || linked.Add(directory.ResolveLinkTarget(returnFinalTarget: true)!.FullName))
                    {
                        pending.Push(directory.FullName);
                    }
                }
                else
                {
                    yield return (current, entry.Name);
                }
            }
        }
    }

    private static IEnumerable<FileSystemInfo> Entries(string folder)
    {
        IEnumerator<FileSystemInfo>? entries = null;
        try
        {
            while (true)
            {
                try
                {
                    entries ??= new DirectoryInfo(folder).EnumerateFileSystemInfos().GetEnumerator();
                    if (!entries.MoveNext())
                    {
                        yield break;
                    }
                }
                catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
                {
                    throw new UsageException($"the folder {folder} cannot be listed ({exception.Message}); allow reading it, or move it out of --root.", exception);
                }

                yield return entries.Current;
            }
        }
        finally
        {
            entries?.Dispose();
        }
    }
}
