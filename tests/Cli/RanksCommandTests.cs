using System.Diagnostics;

namespace Xkd.Cli.Tests;

/// <summary><c>mpirun … xkd train</c>, as a user starts it.</summary>
public sealed class RanksCommandTests(IngestedClips clips)
{
    private const string Launcher = "/usr/bin/mpirun.openmpi";

    [Fact]
    public async Task Train_BatchDoesNotSplitOverTheRanks_Exits2NamingBoth()
    {
        using var ranks = Start("run-odd", clips.Cache, "--set", "batch=1");
        var output = ranks.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await ranks.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await ranks.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(ranks.ExitCode == 2, error + await output);
        Assert.Contains("a global batch of 1 does not split over 2 ranks", error);
        Assert.False(Directory.Exists(clips.File("run-odd")));
    }

    [Fact]
    public async Task Train_OneRankIsAskedToStop_AllStopWithACheckpointAndExit75()
    {
        var two = clips.File("ranks-media");
        Directory.CreateDirectory(two);
        Array.ForEach(["a.mp4", "b.mp4"], name => File.Copy(Path.Combine(clips.Clips, "good.mp4"), Path.Combine(two, name), overwrite: true));
        var ingested = await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", two, "--out", clips.File("ranks-cache"), "--short-side", "32");
        Assert.True(ingested.ExitCode == 0, $"exit code {ingested.ExitCode}\n" + ingested.Output + ingested.Error);

        using var ranks = Start("run-stopped", clips.File("ranks-cache"), "--set", "batch=2", "--set", "optim.epochs=100000", "--set", "train.log_every=1");
        var error = ranks.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string? victim = null;
        List<string> lines = [];
        while (await ranks.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            lines.Add(line);
            victim = line.Split(' ') is ["rank", "1", var process] ? process : victim;
            if (line.StartsWith("step 2/", StringComparison.Ordinal))
            {
                foreach (var signal in new[] { "USR1", "TERM", "TERM" }) // schedulers repeat themselves
                {
                    await XkdProcess.SignalAsync(signal, victim!); // the rank that does not write
                }
            }
        }

        await ranks.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(ranks.ExitCode == 75, $"exit code {ranks.ExitCode}\n" + string.Join('\n', lines) + await error);
        Assert.Contains(lines, line => line.Contains("run-stopped: stopped after ", StringComparison.Ordinal));
        Assert.Single(lines, line => line.StartsWith("step 1/", StringComparison.Ordinal)); // one rank speaks

        // The one a run begins with, and one of where it was stopped.
        string[] checkpoints = [.. Directory.GetDirectories(Path.Combine(clips.File("run-stopped"), "checkpoints")).Select(static folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];
        Assert.Equal(2, checkpoints.Length);
        Assert.Equal("step-00000000", checkpoints[0]);
    }

    private Process Start(string run, string cache, params string[] more)
    {
        Assert.SkipUnless(File.Exists(Launcher), $"{Launcher} is not installed: apt-get install openmpi-bin libopenmpi3");
        string[] command =
        [
            "sh", "-c", "echo rank $OMPI_COMM_WORLD_RANK $$; exec \"$@\"", "sh", "dotnet", Path.Combine(AppContext.BaseDirectory, "xkd.dll"), "train",
            "--config", RepositoryFiles.Find("configs", "pretrain", "tiny.yaml"), "--data", cache, "--out", clips.File(run), "--device", "cpu",
            "--set", "data.global_size=32", "--set", "data.local_size=32", .. more,
        ];
        ProcessStartInfo start = new(Launcher, ["-np", "2", "--oversubscribe", "--bind-to", "none", .. command])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"; // containers run tests as root
        return Process.Start(start)!;
    }
}
