using Xkd.Storage;

namespace Xkd.Cli.Evaluation;

/// <summary>The folder that results go to.</summary>
internal static class OutputFolder
{
    private static readonly string[] Results = ["results.json", "retrieval.json"];

    /// <summary>Refuses to write over results.</summary>
    /// <exception cref="UsageException">There are some, and <paramref name="force"/> is not.</exception>
    public static void RequireFree(string folder, bool force)
    {
        if (!force && Array.Find(Results, name => File.Exists(Path.Combine(folder, name))) is { } there)
        {
            throw new UsageException($"--out {folder} holds results already ({there}); name another folder, or write --force to replace them");
        }
    }
}
