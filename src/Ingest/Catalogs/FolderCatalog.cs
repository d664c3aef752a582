using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Any folder of media: <c>ROOT/class/…/file</c> is labelled by its first folder, a file directly under ROOT has no label. Documents, pictures and the like
/// (<see cref="Sidecars"/>) are left out, and noted; every other file is an item, whatever its extension, so that nothing is left out silently; names that begin
/// with a dot are hidden. Caches below ROOT are left out, and noted but for the one being written.
/// </summary>
internal sealed class FolderCatalog(CatalogOptions options) : ICatalog
{
    public CatalogListing List(CancellationToken cancellationToken = default)
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

        var walk = new FolderWalk(root, options.Out);
        var items = new List<SourceItem>();
        var ignored = new List<string>();
        foreach (var file in walk.Files(cancellationToken))
        {
            var found = new MediaFile(Path.GetRelativePath(root, file.Folder) is var folder and not "." ? folder : "", file.Name, file.Flaw);
            if (!options.Strict && Sidecars.Is(file.Name))
            {
                ignored.Add(found.Relative);
            }
            else
            {
                items.Add(ToItem(found, root));
            }
        }

        Order(items);
        var notes = Notes(walk, ignored, items).ToList();
        return items.Exists(static item => item is not { Flaw.Reason: FailureReasons.Absent })
            ? new CatalogListing(items, notes)
            : throw new UsageException(items.Count > 0
                ? $"of {items.Count} files under {options.Root} none is there: {items[0].Flaw!.Detail}; mount what the links lead to, or correct them."
                : $"no files under {options.Root}{string.Concat(notes.Select(static note => $" ({note})"))}; name the folder that holds the media (or its class folders).");
    }

    private static IEnumerable<string> Notes(FolderWalk walk, List<string> ignored, List<SourceItem> items)
    {
        foreach (var cache in walk.Caches.Order(StringComparer.Ordinal))
        {
            yield return $"{cache} is a cache and is left out";
        }

        if (walk.Repeated.Count > 0)
        {
            yield return FormattableString.Invariant($"{walk.Repeated.Count} links lead to folders that are listed under another name and are left out, such as {walk.Repeated.Min(StringComparer.Ordinal)}");
        }

        if (ignored.Count > 0)
        {
            yield return FormattableString.Invariant($"{ignored.Count} files that are no media are ignored, such as {ignored.Min(StringComparer.Ordinal)}; --strict makes them items, which fail");
        }

        if (items.Find(static item => item.Flaw is not null) is { Flaw: { } flaw })
        {
            yield return FormattableString.Invariant($"{items.Count(static item => item.Flaw is not null)} files cannot be opened by their names, such as: {flaw.Detail}");
        }
    }

    // A name that is not UTF-8, written as text, may be another file's name: a sign more tells them apart.
    private static void Order(List<SourceItem> items)
    {
        var flawed = items.Exists(static item => item.Flaw is not null);
        var ids = flawed ? items.Where(static item => item.Flaw is null).Select(static item => item.Id).ToHashSet(StringComparer.Ordinal) : [];
        for (var i = 0; flawed && i < items.Count; i++)
        {
            while (items[i].Flaw is not null && !ids.Add(items[i].Id))
            {
                items[i] = items[i] with { Id = items[i].Id + '~' };
            }
        }

        items.Sort(static (left, right) => string.CompareOrdinal(left.Id, right.Id));
    }

    private static SourceItem ToItem(MediaFile file, string root)
    {
        var id = file.Relative;
        var slash = id.IndexOf('/');
        var label = slash < 0 ? null : id[..slash];
        return file.Holding(new SourceItem { Id = id, Path = "", Label = label, Labels = label is null ? [] : [label] }, root);
    }
}
