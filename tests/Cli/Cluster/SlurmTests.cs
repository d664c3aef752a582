using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xkd.Bench;
using Xkd.Cli.Tests.Docs;

namespace Xkd.Cli.Tests;

/// <summary>The job scripts of configs/slurm, as they are, on a SLURM of three nodes.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed partial class SlurmTests(SlurmCluster cluster, IngestedMiniatures miniatures) : IClassFixture<SlurmCluster>, IClassFixture<IngestedMiniatures>
{
    private const int Steps = 40;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ingest_ATaskOfTheArrayIsKilledAndSentAgainByItself_MakesTheCacheOfOneProcess()
    {
        cluster.Require();
        var cache = cluster["parts"];
        var (array, merge) = await JobsAsync("ingest", ["--array=0-2", "--cpus-per-task=1"], Ingest(cache));
        int? victim = null;
        await cluster.UntilAsync("task 1 ingests", () => Task.FromResult((victim = SlurmCluster.ProcessOf(array, 1)) is not null), 30);
        await cluster.DoneAsync("kill", ["-9", $"{victim}"]);
        Assert.Equal(["0 COMPLETED", "1 FAILED", "2 COMPLETED"], await cluster.EndedAsync(array));
        Assert.Equal(["0 CANCELLED"], await cluster.EndedAsync(merge)); // and does not wait for ever
        Assert.Equal(1, CacheComparison.Run(cluster.Cache, cache, TextWriter.Null)); // the comparison notices what is missing

        (array, merge) = await JobsAsync("ingest", ["--array=1", "--cpus-per-task=1"], [.. Ingest(cache), ("PARTS", "3")]);
        Assert.Equal(["1 COMPLETED"], await cluster.EndedAsync(array));
        Assert.Equal(["0 COMPLETED"], await cluster.EndedAsync(merge));
        await using StringWriter compared = new();
        Assert.True(CacheComparison.Run(cluster.Cache, cache, compared) == 0, compared.ToString());
    }

    [Theory]
    [InlineData("pmi2", "MPICH")]
    [InlineData("pmix", "Open MPI")]
    public async Task Train_OnTwoNodes_LearnsWhatOneProcessDoes(string mpi, string library)
    {
        cluster.Require();
        var offered = await cluster.DoneAsync("bash", ["-c", "srun --mpi=list 2>&1"]);
        Assert.SkipUnless(offered.Contains(mpi, StringComparison.Ordinal), $"this SLURM has no --mpi={mpi}: apt-get install libpmix-dev openmpi-bin mpich");
        var job = await TrainAsync($"run-{mpi}", mpi, nodes: 2);
        Assert.Equal(["COMPLETED"], await cluster.EndedAsync(job));
        Assert.Contains($"2 ranks on 1 machine, 6 clips each; {library}", await cluster.LogsAsync(), StringComparison.Ordinal);
        await SameCurveAsync($"run-{mpi}", Steps);
    }

    /// <summary>The line of docs/ranks.md, with a core in place of twelve and folders that are here.</summary>
    [Fact]
    public async Task Srun_AsThePageTypesIt_Trains()
    {
        cluster.Require();
        var line = MarkdownPage.Load("docs/ranks.md").Shell.Single(text => text.Text.StartsWith("srun ", StringComparison.Ordinal)).Text;
        string[] words = [.. line.Split('#')[0].Replace("-c 12 ./xkd", $"-N 2 -n 2 -c 1 {cluster["xkd"]}", StringComparison.Ordinal)
            .Replace("/lustre/k400", cluster.Cache, StringComparison.Ordinal).Replace("runs/k400", cluster["run-srun"], StringComparison.Ordinal)
            .Replace("configs/pretrain/xkd.yaml", TrainingCurve.Config, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        await cluster.DoneAsync(words[0], [.. words[1..], .. Options()]);
        await SameCurveAsync("run-srun", Steps);
    }

    /// <summary>Runs XKD_TEST_REPEAT times, once by default.</summary>
    [Theory]
    [InlineData("signal", 3, 1)]
    [InlineData("requeue", 1, 2)]
    [InlineData("node down", 1, 1)]
    public async Task Train_PreEmpted_IsQueuedAgainAndLearnsOnAlsoOnOtherNodes(string how, int nodes, int ranksPerNode)
    {
        cluster.Require();
        var repeat = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_REPEAT") ?? "1", CultureInfo.InvariantCulture);
        for (var turn = 1; turn <= repeat; turn++)
        {
            var run = $"run-{how.Replace(' ', '-')}-{turn}";
            var job = await TrainAsync(run, "pmi2", nodes: 2, "--nodelist=n1,n2");
            await StepsAsync(run, 8);
            await PreEmptAsync(job, how);
            await WaitsAgainAsync(job, 30);
            var stopped = await LossesAsync(run);
            Assert.InRange(stopped.Length, 8, Steps - 1); // in the middle

            // SLURM lets it wait some seconds; then it runs on two nodes. Cancelled there, it is sent again on more or on one.
            await StepsAsync(run, stopped.Length + 8);
            await cluster.DoneAsync("scancel", [job]);
            Assert.Equal(["CANCELLED"], await cluster.EndedAsync(job));
            var cancelled = await LossesAsync(run);
            Assert.InRange(cancelled.Length, stopped.Length + 8, Steps - 1);
            job = await TrainAsync(run, "pmi2", nodes, $"--ntasks-per-node={ranksPerNode}");
            Assert.Equal(["COMPLETED"], await cluster.EndedAsync(job));
            var ranks = nodes * ranksPerNode;
            var log = await File.ReadAllTextAsync(cluster[$"xkd-train-{job}.log"], Ct);
            Assert.Equal(ranks > 1, log.Contains($"{ranks} ranks on 1 machine", StringComparison.Ordinal));
            Assert.Contains($"continuing {cluster[run]} after step {cancelled.Length}\n", log, StringComparison.Ordinal);
            await SameCurveAsync(run, Steps);
            TestContext.Current.TestOutputHelper?.WriteLine($"{how} {turn}: stopped after {stopped.Length}, cancelled after {cancelled.Length}, same curve");
        }
    }

    [Fact]
    public async Task Train_OutOfTime_WritesACheckpointAndIsQueuedAgain()
    {
        cluster.Require();
        // SLURM looks at times twice a minute, and counts in minutes. One rank does what one process does, to the last bit.
        string[] endless = [.. Options(), "--set", "optim.epochs=100000"];
        string[] minute = ["--nodes=1", "--ntasks-per-node=1", "--time=1", "--signal=B:USR1@50"];
        var job = await cluster.SubmitAsync("train", minute, Train("run-time", "pmi2", endless));
        await StepsAsync("run-time", 1);
        await WaitsAgainAsync(job, 90);
        var stopped = (await LossesAsync("run-time")).Length;
        await StepsAsync("run-time", stopped + 5);
        await cluster.DoneAsync("scancel", [job]);
        Assert.Equal(["CANCELLED"], await cluster.EndedAsync(job));
        var losses = await LossesAsync("run-time");
        Assert.Contains($"continuing {cluster["run-time"]} after step {stopped}\n", await cluster.LogsAsync(), StringComparison.Ordinal);
        await AloneAsync("run-time-alone", [.. endless, "--max-steps", $"{losses.Length}"]);
        Assert.Equal(await LossesAsync("run-time-alone"), losses);
    }

    [Fact]
    public async Task SameCurve_OneLossIsWrong_IsNoticed()
    {
        cluster.Require();
        var alone = await AloneAsync();
        Directory.CreateDirectory(cluster["run-planted"]);
        var lines = alone.Select((loss, i) => string.Create(CultureInfo.InvariantCulture, $"{{\"step\":{i + 1},\"loss\":{loss + (i == 20 ? 1e-4 : 0)}}}"));
        await File.WriteAllLinesAsync(Path.Combine(cluster["run-planted"], "metrics.jsonl"), lines, Ct);
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => SameCurveAsync("run-planted", Steps));
    }

    [Fact]
    public async Task Eval_ArrayOfFoldsThenTheMean_GiveWhatOneProcessDoes()
    {
        cluster.Require();
        string cache = await miniatures.CacheAsync("esc50"), config = RepositoryFiles.Find("configs", "eval", "svm", "esc50.yaml");
        const string Flags = "--smoke --seed 3 --device cpu";
        var (array, mean) = await JobsAsync("eval", ["--array=1-5%2"],
            [
                ("PROTOCOL", "svm"), ("CONFIG", config), ("WEIGHTS", miniatures.Run), ("TRAIN", cache), ("VAL", cache), ("OUT", cluster["folds"]),
                ("EVAL_FLAGS", Flags),
            ]);
        Assert.Equal(["1 COMPLETED", "2 COMPLETED", "3 COMPLETED", "4 COMPLETED", "5 COMPLETED"], await cluster.EndedAsync(array));
        Assert.Equal(["COMPLETED"], await cluster.EndedAsync(mean));
        await cluster.DoneAsync(cluster["xkd"],
            [
                "eval", "svm", "--config", config, "--weights", miniatures.Run, "--train", cache, "--val", cache, "--folds", "all", "--out", cluster["all"],
                .. Flags.Split(' '),
            ]);
        using var expected = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(cluster["all"], "results.json"), Ct));
        using var got = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(cluster["folds"], "mean.json"), Ct));
        Assert.Equal(expected.RootElement.GetProperty("value").GetDouble(), got.RootElement.GetProperty("value").GetDouble(), 1e-9);
        Assert.Equal(Folds(expected), Folds(got));

        static (string, double)[] Folds(JsonDocument of) =>
            [.. of.RootElement.GetProperty("folds").EnumerateObject().Select(f => (f.Name, f.Value.GetDouble()))];
    }

    private async Task PreEmptAsync(string job, string how)
    {
        switch (how)
        {
            case "signal":
                await cluster.DoneAsync("scancel", ["--signal=USR1", "--batch", job]);
                break;
            case "requeue":
                await cluster.DoneAsync("scontrol", ["requeue", job]);
                break;
            default:
                await cluster.DoneAsync("scontrol", ["update", "NodeName=n2", "State=DOWN", "Reason=test"]);
                await cluster.UntilAsync("n2 is free", async () => (await cluster.DoneAsync("squeue", ["--noheader", "--nodelist=n2"])).Length == 0, 30);
                await cluster.DoneAsync("scontrol", ["update", "NodeName=n2", "State=IDLE"]);
                break;
        }
    }

    private Task WaitsAgainAsync(string job, int seconds) => cluster.UntilAsync("the job waits again", async () =>
        await cluster.DoneAsync("scontrol", ["show", "job", job]) is var said && said.Contains("JobState=PENDING", StringComparison.Ordinal)
            && said.Contains("Restarts=1 ", StringComparison.Ordinal), seconds);

    // On a login node the script submits the job, and one that follows it.
    private async Task<(string Job, string Next)> JobsAsync(string script, string[] options, (string Name, string Value)[] variables)
    {
        var said = JobNumbers().Match(await cluster.DoneAsync("bash", [SlurmCluster.Script(script), .. options], variables));
        Assert.True(said.Success, said.Value);
        return (said.Groups[1].Value, said.Groups[2].Value);
    }

    private (string Name, string Value)[] Ingest(string cache) =>
        [("CACHE", cache), ("DATASET", "folder"), ("ROOT", cluster.Media), ("INGEST_FLAGS", "--short-side 32")];

    private static string[] Options() => TrainingCurve.Options(Steps);

    private (string Name, string Value)[] Train(string run, string mpi, string[] options) =>
        [("CONFIG", TrainingCurve.Config), ("DATA", cluster.Cache), ("RUN", cluster[run]), ("SLURM_MPI", mpi), ("TRAIN_FLAGS", string.Join(' ', options))];

    private Task<string> TrainAsync(string run, string mpi, int nodes, params string[] more) =>
        cluster.SubmitAsync("train", [$"--nodes={nodes}", "--ntasks-per-node=1", .. more], Train(run, mpi, Options()));

    private Task StepsAsync(string run, int steps) =>
        cluster.UntilAsync($"{run} made {steps} steps", async () => (await LossesAsync(run)).Length >= steps);

    private Task<double[]> LossesAsync(string run) => TrainingCurve.LossesAsync(cluster[run]);

    private async Task<double[]> AloneAsync()
    {
        if (cluster.Alone is null)
        {
            await AloneAsync("run-alone", Options());
            cluster.Alone = await LossesAsync("run-alone");
            Assert.Equal(Steps, cluster.Alone.Length);
        }

        return cluster.Alone;
    }

    private Task AloneAsync(string run, string[] options) =>
        cluster.DoneAsync(cluster["xkd"], ["train", "--config", TrainingCurve.Config, "--data", cluster.Cache, "--out", cluster[run], .. options]);

    private async Task SameCurveAsync(string run, int steps)
    {
        var losses = await LossesAsync(run);
        Assert.Equal(steps, losses.Length);
        TrainingCurve.AssertSame(await AloneAsync(), losses);
    }

    [GeneratedRegex("^job ([0-9]+), and [a-z]+ ([0-9]+) after it$")]
    private static partial Regex JobNumbers();
}
