using System.Text.Json.Nodes;
using Xkd.Experiments.AvDigits;

namespace Xkd.Cli.Tests.Experiments;

public sealed class AblationTests(DigitSources sources) : IClassFixture<DigitSources>
{
    private static readonly string[] Small =
    [
        "batch=10", "optim.epochs=2", "optim.warmup_epochs=1", "train.checkpoint_every=1", "model.encoder.dim=16", "model.encoder.depth=1", "model.encoder.heads=2",
        "model.decoder.dim=16", "model.decoder.depth=1", "model.decoder.heads=2",
    ];

    [Fact]
    public async Task Run_StoppedAndAgain_EndsAsTheUninterruptedRun()
    {
        string corpus = sources["corpus"], whole = sources["whole"], parts = sources["parts"];
        var made = await RunAsync("generate", "--mnist", sources.Mnist, "--fsdd", sources.Fsdd, "--out", corpus, "--train-per-class", "3", "--val-per-class", "1");
        Assert.Equal(0, made.ExitCode);

        var once = await AblateAsync(whole, "--jobs", "2");
        Assert.True(once.ExitCode == 0, once.Error + once.Output);
        Assert.Contains("XKD's video probe beside reconstruction", once.Output, StringComparison.Ordinal);
        var page = await File.ReadAllTextAsync(Path.Combine(whole, "report.html"), TestContext.Current.CancellationToken);
        Assert.Contains("<div class=\"verdict plain\">XKD&#39;s video probe beside reconstruction", page, StringComparison.Ordinal);
        Assert.Contains("The total loss is not compared", page, StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"points\"", page, StringComparison.Ordinal);

        // Too short for a single step: every start does at most one, saves and asks to be started again.
        int starts = 0, exit;
        do
        {
            exit = (await AblateAsync(parts, "--jobs", "1", "--max-minutes", "0.0001")).ExitCode;
        }
        while (exit == 75 && ++starts < 2);
        Assert.Equal(75, exit);
        Assert.Equal(0, (await AblateAsync(parts, "--jobs", "1")).ExitCode);
        foreach (var row in AblationRow.Core)
        {
            string[] probes = [.. new[] { whole, parts }.Select(o => JsonNode.Parse(File.ReadAllText(new AblationFolder(o).Result(row, 0)))!["probes"]!.ToJsonString())];
            Assert.Equal(probes[0], probes[1]);
        }

        // Rows that are done and rows that are not must not come of two configurations.
        var missing = new AblationFolder(parts).Result(AblationRow.Full, 0);
        File.Delete(missing);
        var other = await AblateAsync(parts, "--jobs", "2", "--set", "optim.lr=0.5");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("another configuration", other.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(missing));

        Task<ProcessOutcome> AblateAsync(string output, params string[] more) => RunAsync(
            ["run", "--data", corpus, "--out", output, "--seed", "0", "--device", "cpu", .. Small.SelectMany(s => new[] { "--set", s }), .. more]);
    }

    [Fact]
    public async Task Run_UnknownRow_Exits2WithTheRows()
    {
        var result = await RunAsync("run", "--data", sources.Root, "--out", sources["none"], "--row", "xdk");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("recon-kd", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Scores_OfThreeSeeds_AreMeanAndSampleDeviation() => Assert.Equal("50.0 ± 2.0", new RowScores([48, 50, 52]).ToString());

    [Fact]
    public void Rows_AtEverySize_AreValidConfigurationsThatDiffer()
    {
        foreach (var size in AblationSize.All)
        {
            string[] configurations = [.. AblationRow.All.Where(r => r.Trained).Select(r => Xkd.Model.Method.ConfigBinder.ToYaml(size.Configure(r, 0, [])))];
            Assert.Equal(configurations.Length, configurations.Distinct(StringComparer.Ordinal).Count());
        }
    }

    private static Task<ProcessOutcome> RunAsync(params string[] arguments) => XkdProcess.StartAsync(Path.Combine(AppContext.BaseDirectory, "xkd-avdigits"), arguments);
}
