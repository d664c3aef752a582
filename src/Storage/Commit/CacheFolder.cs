namespace Xkd.Storage;

/// <summary>Makes a folder a cache, and keeps hands off a folder that is something else.</summary>
internal static class CacheFolder
{
    public static void Prepare(CacheLayout layout, IFileSystem files)
    {
        if (File.Exists(layout.Root))
        {
            throw new UsageException($"{layout.Root} is a file: name a folder for the cache");
        }

        bool ours = layout.Folders.Any(Directory.Exists);
        if (!ours && Directory.Exists(layout.Root) && Directory.EnumerateFileSystemEntries(layout.Root).Any())
        {
            throw new UsageException($"{layout.Root} holds other things and no cache: name an empty or absent folder");
        }

        foreach (string folder in layout.Folders.Where(f => !Directory.Exists(f)))
        {
            files.CreateDirectory(folder);
        }

        files.SyncDirectory(layout.Root);
        if (Path.GetDirectoryName(layout.Root) is { } parent)
        {
            files.SyncDirectory(parent);
        }
    }
}
