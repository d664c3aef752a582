using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Any folder of media: <c>ROOT/class/…/file</c> is labelled by its first folder, a file directly under ROOT has no label.
/// Every file is an item, whatever its extension, so that nothing is left out silently; names that begin with a dot are hidden.
/// </summary>
internal sealed class FolderCatalog(CatalogOptions options) : ICatalog
{
    public IEnumerable<SourceItem> Items()
    {
        var root = CatalogRoot.Require(options.Root);
        if (options.Split is not null)
        {
            // A folder has no splits of its own; ROOT/train and ROOT/val are two roots.
            throw new UsageException($"--split {options.Split}: a folder has no splits; use --root {Path.Combine(options.Root, options.Split)}.");
        }

        var items = Files(root)
            .Select(path => (Id: Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/'), path))
            .OrderBy(static file => file.Id, StringComparer.Ordinal)
            .Select(static file => ToItem(file.Id, file.path))
            .ToList();
        return items.Count > 0
            ? items
            : throw new UsageException($"no files under --root {options.Root}; name the folder that holds the media (or its class folders).");
    }

    private static SourceItem ToItem(string id, string path)
    {
        var slash = id.IndexOf('/');
        var label = slash < 0 ? null : id[..slash];
        return new SourceItem { Id = id, Path = path, Label = label, Labels = label is null ? [] : [label] };
    }

    private static IEnumerable<string> Files(string folder)
    {
        var pending = new Stack<string>([folder]);
        var linked = new HashSet<string>(StringComparer.Ordinal) { folder };
        while (pending.TryPop(out var current))
        {
            foreach (var entry in new DirectoryInfo(current).EnumerateFileSystemInfos())
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
                    yield return entry.FullName;
                }
            }
        }
    }
}
