using Xkd.Storage;

namespace Xkd.Cli.Evaluation;

/// <summary>The folder that results go to.</summary>
internal static class OutputFolder
{
    /// <summary>Makes it, and makes sure that it can be written to, before hours of work are spent.</summary>
    /// <exception cref="UsageException">It cannot.</exception>
    public static void Require(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var probe = Path.Combine(folder, $".probe-{Guid.NewGuid():n}");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
                // That it can be made is all there is to know.
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out {folder} cannot be written to: {e.Message}: name a folder, absent or your own", e);
        }
    }
}
