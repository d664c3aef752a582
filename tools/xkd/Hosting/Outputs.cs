using System.CommandLine;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary>
/// Where results may be written: nothing goes into a cache, no folder takes a file's name, and what cannot be written is refused before the work.
/// Whether an option is one is said where it is declared.
/// </summary>
internal static class Outputs
{
    /// <summary>A file that is written, its folder made where there is none.</summary>
    public static Option<T> File<T>(Option<T> option) =>
        With(option, path => Directory.Exists(path) ? $"{path} is a folder; name a file" : InCache(path) ?? Unwritable(path));

    /// <summary>A folder that is written to, made where there is none.</summary>
    public static Option<T> Folder<T>(Option<T> option) => With(option, path => AFile(path) ?? InCache(path) ?? Unwritable(path));

    /// <summary>A cache that is written to: a folder, or in an object store.</summary>
    public static Option<T> Cache<T>(Option<T> option) =>
        With(option, path => path.Contains("://", StringComparison.Ordinal) ? null : AFile(path) ?? Unwritable(path));

    /// <summary>Refuses to write over a file.</summary>
    /// <exception cref="UsageException">It is there, and <paramref name="force"/> is not.</exception>
    public static void RequireFree(string path, bool force)
    {
        if (System.IO.File.Exists(path) && !force)
        {
            throw new UsageException($"--out {path} exists; name another file, or write --force to replace it");
        }
    }

    private static Option<T> With<T>(Option<T> option, Func<string, string?> problem)
    {
        option.Validators.Add(result =>
        {
            foreach (var found in result.Tokens.Select(t => t.Value).Where(path => path.Length > 0).Select(problem).OfType<string>())
            {
                result.AddError($"{option.Name} {found}");
            }
        });
        return option;
    }

    private static string? AFile(string path) =>
        System.IO.File.Exists(path) ? $"{path} cannot be written to: it is a file; name a folder, absent or your own" : null;

    private static string? InCache(string path)
    {
        var at = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        while (at is not null && !(Directory.Exists(Path.Combine(at, "manifest")) && Directory.Exists(Path.Combine(at, "shards"))))
        {
            at = Path.GetDirectoryName(at);
        }

        return at is null ? null : $"{path} lies in the cache {at}, which holds nothing but its own; name a place outside of it";
    }

    // Asked of the system by making a file: rights alone do not tell of disks that are read-only, nor of /proc.
    private static string? Unwritable(string path)
    {
        if (RankEnvironment.Detect().Rank > 0)
        {
            return null; // the first one writes, and the others may be where nothing can be written
        }

        var folder = Path.GetFullPath(path);
        while (!Directory.Exists(folder))
        {
            if (System.IO.File.Exists(folder))
            {
                return folder == Path.GetFullPath(path) ? null : $"{path} cannot be written: {folder} is a file; name another place";
            }

            folder = Path.GetDirectoryName(folder)!;
        }

        try
        {
            var probe = Path.Combine(folder, $".xkd-{Guid.NewGuid():n}.tmp");
            new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{path} cannot be written: {folder} takes no files; name a place that is your own";
        }
    }
}
