namespace Xkd.Cli.Tests.Docs;

public sealed class ThirdPartyTests
{
    [Fact]
    public void ThirdParty_OfTheLockFile_IsThePage()
    {
        var (path, text) = (RepositoryFiles.Find("THIRD-PARTY.md"), ThirdPartyPage.Write(RepositoryFiles.Find("tools", "xkd", "packages.lock.json"), Packages));
        if (Environment.GetEnvironmentVariable("XKD_TEST_REFERENCE") == "write")
        {
            File.WriteAllText(path, text);
        }

        Assert.True(File.Exists(path) && File.ReadAllText(path) == text, "THIRD-PARTY.md is not what the lock file and the packages say; type: tools/docs/build.sh");
    }

    [Fact]
    public void Licences_OfWhatIsShipped_AreOnesThatAllowIt() =>
        Assert.Equal(["Apache-2.0", "BSD-3-Clause", "MIT", "MS-PL"], ThirdPartyPage.Licences(File.ReadAllText(RepositoryFiles.Find("THIRD-PARTY.md"))));

    private static string[] Packages =>
    [
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages"),
        .. (Environment.GetEnvironmentVariable("NUGET_FALLBACK_PACKAGES") ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries),
    ];
}
