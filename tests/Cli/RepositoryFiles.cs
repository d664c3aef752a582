namespace Xkd.Cli.Tests;

/// <summary>Files of the repository that these tests were built in.</summary>
internal static class RepositoryFiles
{
    public static string Find(params string[] path)
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "XKD.sln")))
        {
            folder = folder.Parent!;
        }

        return Path.Combine([folder.FullName, .. path]);
    }
}
