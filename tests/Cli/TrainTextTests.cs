namespace Xkd.Cli.Tests;

/// <summary>What a run says from its forecast to its end, and what it asks for after it.</summary>
public sealed class TrainTextTests(IngestedClips clips)
{
    private string Run => clips.File("told");

    [Fact]
    public async Task Train_FromForecastToTheEnd_SaysWhereItStandsAndWhatIsNext()
    {
        string[] small = ["data.global_size=32", "data.local_size=32", "batch=1", "model.encoder.depth=1", "model.decoder.depth=1", "optim.epochs=3", "optim.warmup_epochs=1", "train.log_every=1"];
        string[] command = ["train", "--config", "tiny", "--data", clips.Cache, "--out", Run, "--device", "cpu", "--set", .. small];
        var forecast = await DoneAsync([.. command, "--dry-run"]);
        Assert.Contains($"dry run, nothing is written: {Run} would begin\ndata: {clips.Cache} version 1, 1 clips\nsteps: 3, 1 an epoch, 3 epochs in all\n", forecast.Output, StringComparison.Ordinal);
        Assert.Matches(@"model: \d\.\d{3} M trainable of \d\.\d{3} M parameters; a step takes about 0\.\d GB of memory", forecast.Output);
        Assert.Contains("\n    epochs: 3\n", forecast.Output, StringComparison.Ordinal);
        Assert.False(Path.Exists(Run));

        var first = await DoneAsync([.. command, "--max-steps", "2"]);
        Assert.Contains("step 1/2 (50.0%) | epoch 1/3 | ", first.Output, StringComparison.Ordinal);
        Assert.Matches(@"lr \d\.\de-\d \|", first.Output);
        Assert.Contains("ETA 0s", first.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("p99 ms", first.Output, StringComparison.Ordinal);
        Assert.Contains(" is the bottleneck at ", first.Output, StringComparison.Ordinal);
        Assert.Contains($"{Run}: 2 of 3 steps", first.Output, StringComparison.Ordinal);
        Assert.Equal($"next: xkd train --out {Run} --resume", first.Error.Trim());

        var rest = await DoneAsync("train", "--out", Run, "--resume", "--device", "cpu", "--profile");
        Assert.Contains("p99 ms", rest.Output, StringComparison.Ordinal);
        Assert.Contains("  training step ", rest.Output, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(Run, "profile.html"), rest.Output, StringComparison.Ordinal);
        Assert.StartsWith($"next: xkd report {Run} --out {Run}.html\nnext: xkd eval svm --weights {Run} ", rest.Error, StringComparison.Ordinal);

        var over = await DoneAsync("train", "--out", Run, "--resume", "--device", "cpu");
        Assert.Contains($"{Run}: already complete, 3 steps\n", over.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("bottleneck", over.Output, StringComparison.Ordinal);
        Assert.Equal(rest.Error, over.Error);

        var quiet = await DoneAsync("train", "--out", Run, "--resume", "--device", "cpu", "--quiet");
        Assert.Equal(($"{Run}: already complete, 3 steps\n", string.Empty), (quiet.Output, quiet.Error));

        await OnceAsync("report", Run, "--out", clips.File("told.html"));
        await OnceAsync("export", Run, "--out", clips.File("told.pth"));
    }

    [Fact]
    public async Task Ingest_OfOneClip_SaysTheBottleneckInOneSentenceAndTheTableWhenAsked()
    {
        string[] command = ["ingest", "--dataset", "csv", "--root", clips.File("listed"), "--short-side", "32", "--out"];
        Directory.CreateDirectory(clips.File("listed"));
        File.Copy(Path.Combine(clips.Clips, "good.mp4"), Path.Combine(clips.File("listed"), "good.mp4"));
        await File.WriteAllLinesAsync(Path.Combine(clips.File("listed"), "list.csv"), ["path", "good.mp4"], TestContext.Current.CancellationToken);
        var cache = clips.File("listed-cache");
        var first = await DoneAsync([.. command, cache]);
        Assert.Contains(" is the bottleneck at ", first.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("p99 ms", first.Output, StringComparison.Ordinal);
        Assert.Equal($"next: xkd train --config tiny --data {cache} --out RUN", first.Error.Trim());

        var json = await DoneAsync([.. command, cache, "--json"]);
        Assert.StartsWith("{", json.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("next: ", json.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("bottleneck at", json.Error, StringComparison.Ordinal); // nothing was done

        var profiled = await DoneAsync([.. command, clips.File("listed-again"), "--profile", "--quiet"]);
        Assert.Contains("p99 ms", profiled.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("next: ", profiled.Error, StringComparison.Ordinal);
    }

    // What is there is replaced only by --force.
    private static async Task OnceAsync(params string[] command)
    {
        await DoneAsync(command);
        var again = await XkdProcess.RunAsync(command);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains($"--out {command[^1]} exists; name another file, or write --force to replace it", again.Error, StringComparison.Ordinal);
        await DoneAsync([.. command, "--force"]);
    }

    private static async Task<ProcessOutcome> DoneAsync(params string[] arguments)
    {
        var outcome = await XkdProcess.RunAsync(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Output + outcome.Error);
        return outcome;
    }
}
