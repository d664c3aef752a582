using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;

namespace Xkd.Model.Tests.Training;

[Collection(nameof(AloneCollection))]
public sealed class FullDiskTests
{
    [Fact]
    public async Task RunAsync_DiskFullAtTheSecondCheckpoint_StopsByDefaultAndResumesFromTheFirst()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(Config(FullDiskPolicy.Stop), "whole", 8);
        var error = await Assert.ThrowsAsync<FullDiskException>(() => TrainAsync(small, FullDiskPolicy.Stop, number => number == 3, 8, new SmallRun.Notes()));
        Assert.Contains("step 4", error.Message, StringComparison.Ordinal);
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
        Assert.Equal(["step-00000000", "step-00000002"], Checkpoints(small));

        await small.TrainAsync(Config(FullDiskPolicy.Stop), "run", 8, ResumeMode.Required);
        Assert.Equal(small.Metrics("whole").Select(m => (m.Step, m.Loss)), small.Metrics("run").Select(m => (m.Step, m.Loss)));
    }

    [Fact]
    public async Task RunAsync_DiskFullForTwoCheckpointsToContinue_GoesOnLoudlyCountsAndKeepsTheLastGoodOne()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(Config(FullDiskPolicy.Stop), "whole", 8);
        SmallRun.Notes notes = new();
        string[] meanwhile = [];
        var result = await TrainAsync(small, FullDiskPolicy.Continue, number =>
        {
            meanwhile = number == 4 ? Checkpoints(small) : meanwhile;
            return number is 3 or 4;
        }, 8, notes);

        Assert.Equal(2, result.CheckpointsMissed);
        Assert.Equal(["step-00000000", "step-00000002"], meanwhile);
        Assert.Equal(["step-00000002", "step-00000008"], Checkpoints(small));
        Assert.Contains(notes.Lines, line => line.StartsWith("DISK FULL at step 6", StringComparison.Ordinal) && line.Contains("2 missed so far, the last good one is of step 2", StringComparison.Ordinal));
        Assert.Equal([0L, 0, 0, 0, 1, 1, 2, 2], small.Metrics("run").Select(m => m.CheckpointsMissed));
        Assert.Equal(small.Metrics("whole").Select(m => (m.Step, m.Loss)), small.Metrics("run").Select(m => (m.Step, m.Loss)));
    }

    [Fact]
    public async Task RunAsync_NoRoomForTheLastCheckpoint_FailsThoughItIsToContinue()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await Assert.ThrowsAsync<FullDiskException>(() => TrainAsync(small, FullDiskPolicy.Continue, number => number > 1, 4, new SmallRun.Notes()));
        Assert.Equal(["step-00000000"], Checkpoints(small));
    }

    [Fact]
    public async Task RunAsync_NoRoomForTheFirstCheckpoint_IsNoRunYetAndBeginsWhereThereIsRoom()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await Assert.ThrowsAsync<FullDiskException>(() => TrainAsync(small, FullDiskPolicy.Continue, _ => true, 4, new SmallRun.Notes()));
        Assert.False(new RunFolder(small.Run("run")).HasRun);
        await small.TrainAsync(Config(FullDiskPolicy.Stop) with { Seed = 4 }, "run", 2); // another run than was to be begun
        Assert.Equal(2, small.Metrics("run").Count);
    }

    [Fact]
    public void Append_NoRoomForTheLines_KeepsThemForTheNextCallWithoutATornOne()
    {
        using TemporaryFolder folder = new();
        var path = folder.File("metrics.jsonl");
        using (ShortFile file = new(path))
        using (MetricsLog log = new(file))
        {
            log.Append([MetricsLogTests.Step(1)]);
            file.Full = true;
            Assert.Throws<FullDiskException>(() => log.Append([MetricsLogTests.Step(2)]));
            Assert.Equal([1L], MetricsLog.Read(path).Select(m => m.Step));
            file.Full = false;
            log.Append([MetricsLogTests.Step(3)]);
        }

        Assert.Equal([1L, 2, 3], MetricsLog.Read(path).Select(m => m.Step));
        Assert.Equal(3, File.ReadAllLines(path).Length);
    }

    private static PretrainConfig Config(FullDiskPolicy policy)
    {
        var config = SmallRun.Config();
        return config with { Train = config.Train with { LogEvery = 1, CheckpointEvery = 2, OnFullDisk = policy } };
    }

    private static Task<TrainResult> TrainAsync(SmallRun small, FullDiskPolicy policy, Func<int, bool> full, long steps, SmallRun.Notes notes) => new Trainer(
        new TrainerOptions { Config = Config(policy), Data = [small.Cache], Out = small.Run("run"), MaxSteps = steps, Device = "cpu", Files = new FullDiskFiles(full) },
        TimeProvider.System, notes).RunAsync(CancellationToken.None);

    private static string[] Checkpoints(SmallRun small) =>
        [.. Directory.GetDirectories(Path.Combine(small.Run("run"), "checkpoints"), "step-*").Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];

    /// <summary>A file on a disk that can be full: half of what is written goes in, then the system's own error comes.</summary>
    private sealed class ShortFile(string path) : FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0)
    {
        public bool Full { get; set; }

        public override void Write(byte[] buffer, int offset, int count)
        {
            base.Write(buffer, offset, Full ? count / 2 : count);
            if (Full)
            {
                throw new IOException("No space left on device", 28);
            }
        }
    }
}
