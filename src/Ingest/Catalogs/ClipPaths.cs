using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Files and folders as a person names them, in place of a dataset: the id of a file is its path as written, of a file in a folder that path with the rest
/// below it. What a folder holds is listed as <see cref="FolderCatalog"/> does.
/// </summary>
public static class ClipPaths
{
    /// <summary>Lists every file once, under the first name it has.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="UsageException">A path leads nowhere, a folder holds no file, or two files have one id.</exception>
    public static CatalogListing List(IReadOnlyList<string> paths, CancellationToken cancellationToken = default)
    {
        Dictionary<string, SourceItem> byFile = new(StringComparer.Ordinal);
        List<string> notes = [];
        foreach (var path in paths)
        {
            var name = Path.TrimEndingDirectorySeparator(path);
            if (Directory.Exists(path))
            {
                var (items, said) = new FolderCatalog(new CatalogOptions { Root = path }).List(cancellationToken);
                notes.AddRange(said);
                foreach (var item in items)
                {
                    _ = byFile.TryAdd(item.Path, item with { Id = $"{name}/{item.Id}" });
                }
            }
            else
            {
                var file = File.Exists(path) ? Path.GetFullPath(path) : throw new UsageException($"{path} does not exist; name files or folders of media");
                _ = byFile.TryAdd(file, new SourceItem { Id = name, Path = file });
            }
        }

        return byFile.Values.CountBy(item => item.Id, StringComparer.Ordinal).FirstOrDefault(c => c.Value > 1).Key is { } twice
            ? throw new UsageException($"two files have the name {twice}; write their paths differently")
            : new CatalogListing([.. byFile.Values.OrderBy(item => item.Id, StringComparer.Ordinal)], notes);
    }
}
