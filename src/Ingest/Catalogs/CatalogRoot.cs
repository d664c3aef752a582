using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The checks every catalog makes of the paths it was given.</summary>
internal static class CatalogRoot
{
    /// <summary>The full path of an existing folder.</summary>
    public static string Require(string root)
    {
        if (string.IsNullOrWhiteSpace(root))
        {
            throw new UsageException("--root is missing; name the dataset's folder.");
        }

        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        if (Directory.Exists(full))
        {
            return full;
        }

        throw new UsageException(root.Contains('\uFFFD') ? $"--root {root} is not UTF-8; rename the folder, or those above it."
            : File.Exists(full)
            ? $"--root {root} is a file; name the folder that holds it."
            : $"--root {root} does not exist; name the dataset's folder.");
    }
}
