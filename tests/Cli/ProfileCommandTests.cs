using System.Text.Json;

namespace Xkd.Cli.Tests;

public sealed class ProfileCommandTests(IngestedClips clips)
{
    [Fact]
    public async Task Profile_Mel_PrintsTheContractsFields()
    {
        string folder = clips.File("profile");
        ProcessOutcome result = await XkdProcess.RunAsync("profile", "mel", "--json", "--out", folder);
        Assert.Equal(0, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(result.Output);
        Assert.All(
            ["schema", "what", "device", "threads", "seconds", "samples_per_s", "stages", "wait_ratios", "bottleneck", "remedy", "headspace", "audio_seconds_per_second"],
            name => Assert.True(json.RootElement.TryGetProperty(name, out _), name));
        Assert.Equal("mel", json.RootElement.GetProperty("bottleneck").GetString());
        Assert.True(File.Exists(Path.Combine(folder, "profile.html")));
        using JsonDocument trace = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "trace.json"), TestContext.Current.CancellationToken));
        Assert.True(trace.RootElement.GetProperty("traceEvents").GetArrayLength() > 2000);
    }

    [Theory]
    [InlineData("order")]
    [InlineData("read")]
    [InlineData("augment")]
    [InlineData("collate")]
    public async Task Profile_LoaderWithAStageSlowed_NamesIt(string stage)
    {
        ProcessOutcome result = await XkdProcess.RunAsync(Loader("--delay-stage", $"{stage}=50", "--json"));
        Assert.Equal(0, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(result.Output);
        Assert.Equal(stage, json.RootElement.GetProperty("bottleneck").GetString());
    }

    [Fact]
    public async Task Profile_UnknownStage_Exits2NamingTheStages()
    {
        ProcessOutcome result = await XkdProcess.RunAsync(Loader("--delay-stage", "dekode=50"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("dekode", result.Error, StringComparison.Ordinal);
        Assert.Contains("augment", result.Error, StringComparison.Ordinal);
    }

    private string[] Loader(params string[] more) =>
        ["profile", "loader", "--data", clips.Cache, "--config", Path.Combine(AppContext.BaseDirectory, "configs/pretrain/tiny.yaml"), "--set", "data.global_size=32", "data.local_size=32", "batch=1", .. more];
}
