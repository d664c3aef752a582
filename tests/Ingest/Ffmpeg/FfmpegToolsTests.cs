using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class FfmpegToolsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-tools-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Locate_OnThePath_ReadsTheVersion()
    {
        var tools = FfmpegTools.Locate("");

        Assert.Matches(@"^\d", tools.Version);
        Assert.True(File.Exists(tools.Ffprobe));
    }

    [Fact]
    public void Locate_NowhereOnThePath_SaysHowToInstallIt()
    {
        var error = Assert.Throws<FailureException>(() => FfmpegTools.Locate("", _folder));

        Assert.Contains("apt-get install ffmpeg", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Locate_VariableNamesNothing_IsAUsageError()
    {
        var error = Assert.Throws<UsageException>(() => FfmpegTools.Locate(_folder));

        Assert.Contains($"XKD_FFMPEG is {_folder}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Locate_BrokenProgram_SaysSo()
    {
        foreach (var name in new[] { "ffmpeg", "ffprobe" })
        {
            File.CreateSymbolicLink(Path.Combine(_folder, name), "/bin/false");
        }

        var error = Assert.Throws<FailureException>(() => FfmpegTools.Locate(_folder));

        Assert.Contains("does not run", error.Message, StringComparison.Ordinal);
    }
}
