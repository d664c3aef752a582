using System.Text.Json;

namespace Xkd.Cli.Tests;

public sealed class ConfigCommandTests
{
    [Fact]
    public async Task Config_OneKey_ShowsDefaultMeaningAndRange()
    {
        var outcome = await XkdProcess.RunAsync("config", "optim.lr");
        Assert.Equal((0, "optim.lr: 0.0001\n    Learning rate after the warm-up. Default 1e-4.\n    a number above 0\n"), (outcome.ExitCode, outcome.Output));
    }

    [Theory]
    [InlineData("train", "objective.refinement")]
    [InlineData("svm", "held_out")]
    [InlineData("classifier", "optim.layer_decay")]
    public async Task Config_AsJson_HoldsEveryKey(string of, string key)
    {
        var outcome = await XkdProcess.RunAsync("config", "--of", of, "--json");
        using var json = JsonDocument.Parse(outcome.Output);
        Assert.Contains(json.RootElement.GetProperty("keys").EnumerateArray(), k => k.GetProperty("name").GetString() == key);
    }

    [Fact]
    public async Task Config_UnknownKey_Exits2NamingTheNearest()
    {
        var outcome = await XkdProcess.RunAsync("config", "optim.learning");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("unknown key optim.learning", outcome.Error, StringComparison.Ordinal);
    }
}
