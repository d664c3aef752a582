using System.Diagnostics;
using System.Globalization;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;

namespace Xkd.Model.Tests.Training;

/// <summary>A training process that is killed (SIGKILL) at random moments, and started again each time: its curve is the uninterrupted run's.</summary>
[Collection(nameof(AloneCollection))]
public sealed class KillSweepTests
{
    private const string Folder = "XKD_TEST_KILL_FOLDER";
    private const string Killed = "killed";
    private const int CheckpointEvery = 3;

    // XKD_TEST_KILLS=100 is the long sweep; XKD_TEST_SEED repeats one.
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_KILLS") ?? "4", CultureInfo.InvariantCulture);
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_SEED") ?? "20240224", CultureInfo.InvariantCulture);

    // A life makes ten steps or so: there is work left after the last kill.
    private static readonly int Steps = 20 * Kills;

    [Fact]
    public async Task RunAsync_KilledAtRandomMoments_EndsAsTheUninterruptedRunToTheLastBit()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        Random random = new(Seed);
        var killed = 0;
        for (var life = 0; life < Kills; life++)
        {
            using var victim = StartVictim(small.Root);

            // A life counts from its first step: before it, only what was read could be interrupted.
            while (await victim.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.StartsWith("step ", StringComparison.Ordinal))
            {
            }

            victim.WaitForExit(TimeSpan.FromMilliseconds(250 * random.NextDouble()));
            killed += victim.HasExited ? 0 : 1;
            victim.Kill();
            await victim.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.True(killed > Kills / 2, $"only {killed} of {Kills} lives were ended by a kill; the others had nothing left to do");
        await small.TrainAsync(Config(), Killed, Steps, ResumeMode.Auto);
        await small.TrainAsync(Config(), "whole", Steps);

        Assert.Equal(Enumerable.Range(1, Steps).Select(step => (long)step), small.Metrics(Killed).Select(m => m.Step));
        Assert.Equal(small.Metrics("whole").Select(Learned), small.Metrics(Killed).Select(Learned));
        foreach (var file in new[] { CheckpointStore.ModelFile, CheckpointStore.OptimizerFile })
        {
            var name = Path.Combine("checkpoints", string.Create(CultureInfo.InvariantCulture, $"step-{Steps:D8}"), file);
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(small.Run("whole"), name), TestContext.Current.CancellationToken),
                await File.ReadAllBytesAsync(Path.Combine(small.Run(Killed), name), TestContext.Current.CancellationToken));
        }
    }

    /// <summary>Not a test of its own: what the process to be killed runs.</summary>
    [Fact(Explicit = true)]
    public async Task Victim()
    {
        using var small = SmallRun.Of(Environment.GetEnvironmentVariable(Folder)!);
        await small.TrainAsync(Config(), Killed, Steps, ResumeMode.Auto, new SmallRun.Notes(step => Console.Out.WriteLine($"step {step}")));
    }

    private static PretrainConfig Config()
    {
        var config = SmallRun.Config();
        return config with { Optim = config.Optim with { Epochs = Steps }, Train = config.Train with { LogEvery = 1, CheckpointEvery = CheckpointEvery } };
    }

    private static (long, double, double, double) Learned(StepMetrics m) => (m.Step, m.Loss, m.GradNorm, m.Position);

    private static Process StartVictim(string folder)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(KillSweepTests).FullName}.{nameof(Victim)}"])
        {
            UseShellExecute = false, RedirectStandardOutput = true,
        };
        start.Environment[Folder] = folder;
        return Process.Start(start)!;
    }
}
