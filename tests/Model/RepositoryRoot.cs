namespace Xkd.Model.Tests;

/// <summary>The checkout that the tests were built from, for the files that ship beside the code.</summary>
internal static class RepositoryRoot
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "XKD.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no XKD.sln above {AppContext.BaseDirectory}");
    }
}
