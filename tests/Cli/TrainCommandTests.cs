namespace Xkd.Cli.Tests;

public sealed class TrainCommandTests(IngestedClips clips)
{
    [Theory]
    [InlineData("optim.epoch=3", "optim.epochs")]
    [InlineData("batch=-3", "batch")]
    public async Task Train_BadOverride_Exits2NamingKeyAndFix(string set, string named)
    {
        var result = await TrainAsync("--set", set);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(set.Split('=')[0], result.Error, StringComparison.Ordinal);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("1e12")]
    public async Task Train_HoursThatCannotBe_Exits2NamingThem(string hours)
    {
        var result = await TrainAsync("--max-hours", hours);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--max-hours", result.Error, StringComparison.Ordinal);
        Assert.Contains("write a number above 0", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_MonthsOfHours_AreTaken()
    {
        // Longer than a timer waits: what is refused is the cache, later.
        var result = await TrainAsync("--max-hours", "5000");
        Assert.Contains("short_side is 32", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_CacheSmallerThanTheViews_Exits2WithTheIngestCommandToRun()
    {
        var result = await TrainAsync();
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("short_side is 32", result.Error, StringComparison.Ordinal);
        Assert.Contains("xkd ingest", result.Error, StringComparison.Ordinal);
        Assert.Contains("--short-side 112", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("xkd_released.yaml")]
    [InlineData("xkd_mas_released.yaml")]
    [InlineData("xkd_mats_released.yaml")]
    public async Task Train_ReleasedRecipeOnCachedSpectrograms_Exits2WithTheIngestCommandToRun(string recipe)
    {
        var config = RepositoryFiles.Find("configs", "pretrain", recipe);
        var result = await XkdProcess.RunAsync("train", "--config", config, "--data", clips.Cache, "--out", clips.File("run"), "--set", "data.global_size=32", "--set", "data.local_size=32");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("audio_codec is mel", result.Error, StringComparison.Ordinal);
        Assert.Contains("xkd ingest", result.Error, StringComparison.Ordinal);
        Assert.Contains("--audio pcm", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_ResumeWithoutARun_Exits2()
    {
        var result = await TrainAsync("--resume");
        Assert.Equal(2, result.ExitCode);
        Assert.False(Directory.Exists(clips.File("run")), "a refused call leaves no run folder");
    }

    private Task<ProcessOutcome> TrainAsync(params string[] more)
    {
        var config = RepositoryFiles.Find("configs", "pretrain", "xkd.yaml");
        return XkdProcess.RunAsync(["train", "--config", config, "--data", clips.Cache, "--out", clips.File("run"), .. more]);
    }
}
