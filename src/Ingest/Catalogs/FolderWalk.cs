using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Lists every folder below a root once. Names that begin with a dot are hidden.</summary>
internal static class FolderWalk
{
    /// <summary>The files, folder by folder, in no particular order.</summary>
    /// <exception cref="UsageException">A folder cannot be listed.</exception>
    public static IEnumerable<(string Folder, string Name)> Files(string root)
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
