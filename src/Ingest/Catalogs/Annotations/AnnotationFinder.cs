using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// Where a dataset's lists are: what <c>--annotations</c> names, a file or a folder; else anywhere under the root; else in a folder of the archive's
/// name beside the root, where unpacking it leaves it.
/// </summary>
internal sealed class AnnotationFinder
{
    private readonly string _dataset;
    private readonly string _root;
    private readonly string? _named;
    private readonly IReadOnlyList<string> _documents;

    /// <param name="dataset">Names the dataset in errors.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="media">The root's files.</param>
    /// <param name="cancellationToken">Ends the listing of the annotations' folder.</param>
    /// <param name="archive">The folder's name in the dataset's archive; null if it has none.</param>
    public AnnotationFinder(string dataset, CatalogOptions options, MediaFiles media, CancellationToken cancellationToken, string? archive = null)
    {
        (_dataset, _root, _named, _documents) = (dataset, media.Root, options.Annotations, media.Documents);
        if (options.Annotations is { } named)
        {
            var full = Path.GetFullPath(named);
            IsOneFile = File.Exists(full);
            Lists = IsOneFile ? [full]
                : Directory.Exists(full) ? Under(full, options.Out, cancellationToken)
                : throw new UsageException($"--annotations {named} does not exist; name {dataset}'s annotation file, or the folder that holds it.");
            Beside = IsOneFile ? [.. Directory.EnumerateFiles(Path.GetDirectoryName(full)!).Order(StringComparer.Ordinal)] : Lists;
        }
        else
        {
            var unpacked = archive is null ? null : Path.Combine(Path.GetDirectoryName(media.Root) ?? "/", archive);
            Lists = Directory.Exists(unpacked) && !media.Documents.Any(path => path.Contains($"/{archive}/", StringComparison.Ordinal)) ? [.. media.Documents, .. Under(unpacked, options.Out, cancellationToken)] : media.Documents;
            Beside = Lists;
        }
    }

    /// <summary><c>--annotations</c> names one file: it is the list, whatever its name.</summary>
    public bool IsOneFile { get; }

    /// <summary>Full paths of files that may be the lists.</summary>
    public IReadOnlyList<string> Lists { get; }

    /// <summary>The same, and what lies beside the one file that was named.</summary>
    public IReadOnlyList<string> Beside { get; }

    /// <summary>The one list of that name, or the file that was named.</summary>
    /// <exception cref="UsageException">There is none, or more than one.</exception>
    public string One(string name) => IsOneFile ? Lists[0] : Single(Lists, name) ?? throw Missing(name);

    /// <summary>The file of that name that goes with the lists, such as names of classes: beside them, else under the root; null when there is none.</summary>
    /// <exception cref="UsageException">There is more than one.</exception>
    public string? Companion(string name) => Single(Beside, name) ?? Single(_documents, name);

    /// <summary>What to say when the lists are not there.</summary>
    public UsageException Missing(string what)
    {
        var where = _named is null ? $"under --root {_root}" : $"in --annotations {_named}";
        return new UsageException($"{_dataset} needs {what}, and there is none {where}; name the file or its folder with --annotations.");
    }

    private static string? Single(IEnumerable<string> files, string name)
    {
        var found = files.Where(path => string.Equals(Path.GetFileName(path), name, StringComparison.OrdinalIgnoreCase)).Take(2).ToList();
        return found.Count < 2 ? found.FirstOrDefault() : throw new UsageException($"{name} is there twice, {found[0]} and {found[1]}; name the one to use, or its folder, with --annotations.");
    }

    private static IReadOnlyList<string> Under(string folder, string? cache, CancellationToken cancellationToken) =>
        [.. new FolderWalk(folder, cache).Files(cancellationToken).Where(static file => file.Flaw == FileFlaw.None).Select(static file => Path.Combine(file.Folder, file.Name)).Order(StringComparer.Ordinal)];
}
