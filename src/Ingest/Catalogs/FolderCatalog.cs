using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Any folder of media: <c>ROOT/class/…/file</c> is labelled by its first folder, a file directly under ROOT has no label.
/// Every file is an item, whatever its extension, so that nothing is left out silently; names that begin with a dot are hidden.
/// Caches below ROOT are left out, and noted but for the one being written.
/// </summary>
internal sealed class FolderCatalog(CatalogOptions options) : ICatalog
{
    public CatalogListing List()
    {
        var root = CatalogRoot.Require(options.Root);
        if (options.Split is not null)
        {
            // A folder has no splits of its own; ROOT/train and ROOT/val are two roots.
            throw new UsageException($"--split {options.Split}: a folder has no splits; use --root {Path.Combine(options.Root, options.Split)}.");
        }

        if (options.Annotations is not null)
        {
            throw new UsageException($"--annotations {options.Annotations}: a folder has none; use --dataset csv for a list of files and labels.");
        }

        var caches = new List<string>();
        var items = FolderWalk.Files(root, options.Out, caches)
            .Select(static file => Path.Combine(file.Folder, file.Name))
            .Select(path => (Id: Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/'), path))
            .OrderBy(static file => file.Id, StringComparer.Ordinal)
            .Select(static file => ToItem(file.Id, file.path))
            .ToList();
        return items.Count > 0
            ? new CatalogListing(items, [.. caches.Order(StringComparer.Ordinal).Select(static cache => $"{cache} is a cache and is left out")])
            : throw new UsageException($"no files under --root {options.Root}; name the folder that holds the media (or its class folders).");
    }

    private static SourceItem ToItem(string id, string path)
    {
        var slash = id.IndexOf('/');
        var label = slash < 0 ? null : id[..slash];
        return new SourceItem { Id = id, Path = path, Label = label, Labels = label is null ? [] : [label] };
    }
}
