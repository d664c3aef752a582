using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Tests.Training;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _run = new();
    private readonly List<string> _warnings = [];

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Write_ThenOpenLatest_GivesTensorsAndState()
    {
        var state = State(7) with { TailUsed = [3, 5], Skipped = 2 };
        var folder = Store().Write(state, Model(7), Optimizer(7));

        using var checkpoint = Store().OpenLatest()!;

        Assert.Equal(_run.File("checkpoints", "step-00000007"), folder);
        Assert.Equal(folder, checkpoint.Folder);
        Assert.Equal([7f, 1f], checkpoint.Model.Read("vid_student.backbone.cls_token").ToFloats());
        Assert.Equal([14f], checkpoint.Optimizer.Read("exp_avg/x").ToFloats());
        Assert.Equal((7L, 2, 56L, 3, 42UL, "a: 1\n"), (checkpoint.State.Step, checkpoint.State.Epoch, checkpoint.State.Position, checkpoint.State.ManifestVersion, checkpoint.State.Seed, checkpoint.State.Config));
        Assert.Equal([3, 5], checkpoint.State.TailUsed);
        Assert.Equal(2, checkpoint.State.Skipped);
        Assert.Equal([CheckpointStore.ModelFile, CheckpointStore.OptimizerFile], checkpoint.State.Files.Keys);
        Assert.Empty(_warnings);
    }

    [Fact]
    public void OpenLatest_NoCheckpoint_IsNull() => Assert.Null(Store().OpenLatest());

    [Fact]
    public void Write_KeepAndKeepEvery_DeletesTheRest()
    {
        var store = Store(new CheckpointStoreOptions { Keep = 2, KeepEvery = 4 });

        for (var step = 1; step <= 10; step++)
        {
            Write(store, step);
        }

        Assert.Equal([10L, 9L, 8L, 4L], store.Steps());
        Assert.Equal(4, Directory.GetFileSystemEntries(store.Folder).Length);
    }

    [Theory]
    [InlineData(CheckpointStore.ModelFile, "model.safetensors has SHA-256")]
    [InlineData(CheckpointStore.OptimizerFile, "optimizer.safetensors has SHA-256")]
    [InlineData(CheckpointStore.StateFile, "state.json")]
    [InlineData(CheckpointStore.StateHashFile, "state.json has SHA-256")]
    public void OpenLatest_AnyByteOfTheNewestFlipped_FallsBackLoudly(string file, string reason)
    {
        Write(Store(), 1);
        Write(Store(), 2);
        var path = Path.Combine(Store().PathOf(2), file);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 3] ^= 1;
        File.WriteAllBytes(path, bytes);

        using var checkpoint = Store().OpenLatest()!;

        Assert.Equal(1, checkpoint.State.Step);
        Assert.Contains(_warnings, warning => warning.Contains("step-00000002") && warning.Contains(reason));
        Assert.Contains(_warnings, warning => warning.Contains("falling back to the checkpoint of step 1"));
    }

    [Theory]
    [InlineData(CheckpointStore.ModelFile)]
    [InlineData(CheckpointStore.StateFile)]
    [InlineData(CheckpointStore.StateHashFile)]
    public void OpenLatest_FileOfTheNewestGone_FallsBack(string file)
    {
        Write(Store(), 1);
        Write(Store(), 2);
        File.Delete(Path.Combine(Store().PathOf(2), file));

        using var checkpoint = Store().OpenLatest()!;

        Assert.Equal(1, checkpoint.State.Step);
    }

    [Fact]
    public void OpenLatest_AllBroken_FailsNamingEach()
    {
        foreach (var step in new[] { 1, 2 })
        {
            Write(Store(), step);
            File.Delete(Path.Combine(Store().PathOf(step), CheckpointStore.OptimizerFile));
        }

        var message = Assert.Throws<FailureException>(() => Store().OpenLatest()).Message;

        Assert.Contains("step-00000001: optimizer.safetensors is absent", message);
        Assert.Contains("step-00000002: optimizer.safetensors is absent", message);
    }

    [Fact]
    public void OpenLatest_OtherStateVersion_IsRefusedWithBothValues()
    {
        Write(Store(), 1);
        var path = Path.Combine(Store().PathOf(1), CheckpointStore.StateFile);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"version\": 1", "\"version\": 9"));

        var message = Assert.Throws<UsageException>(() => Store().OpenLatest()).Message;

        Assert.Contains("version 9", message);
        Assert.Contains("version 1", message);
    }

    [Fact]
    public void Write_SameStepAgain_KeepsTheOneThere()
    {
        Write(Store(), 3);
        var before = File.GetLastWriteTimeUtc(Path.Combine(Store().PathOf(3), CheckpointStore.ModelFile));

        Write(Store(), 3);

        Assert.Equal(before, File.GetLastWriteTimeUtc(Path.Combine(Store().PathOf(3), CheckpointStore.ModelFile)));
    }

    [Fact]
    public void Write_SameStepOfAnotherRun_IsRefused()
    {
        Write(Store(), 3);

        Assert.Contains("another run", Assert.Throws<UsageException>(() => Store().Write(State(3) with { Seed = 43 }, Model(3), Optimizer(3))).Message);
    }

    [Fact]
    public void Write_SameStepBroken_ReplacesIt()
    {
        Write(Store(), 3);
        File.Delete(Path.Combine(Store().PathOf(3), CheckpointStore.ModelFile));

        Write(Store(), 3);

        using var checkpoint = Store().OpenLatest()!;
        Assert.Equal(3, checkpoint.State.Step);
        Assert.Contains(_warnings, warning => warning.Contains("will be replaced"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void Write_KilledAtEveryOperation_LeavesAWholeCheckpointAndNoObstacle(int keep)
    {
        var options = new CheckpointStoreOptions { Keep = keep };
        var operations = 0;
        for (var finished = false; !finished;)
        {
            operations++;
            using var run = new TemporaryFolder();
            Write(new CheckpointStore(run.Path, options, _warnings.Add), 1);
            Write(new CheckpointStore(run.Path, options, _warnings.Add), 2);
            var files = new FaultyCheckpointFiles(operations, () => new KilledException(), forGood: true);
            try
            {
                Write(new CheckpointStore(run.Path, options, _warnings.Add, files), 3);
                finished = true;
            }
            catch (KilledException)
            {
                Assert.True(files.Failed);
            }

            var after = new CheckpointStore(run.Path, options, _warnings.Add);
            using (var checkpoint = after.OpenLatest()!)
            {
                Assert.InRange(checkpoint.State.Step, 2, 3);
                Assert.Equal(checkpoint.State.Step, checkpoint.Model.Read("vid_student.backbone.cls_token").ToFloats()[0]);
            }

            Write(after, 3);
            Write(after, 4);
            Assert.Equal(keep, after.Steps().Count);
            Assert.Equal(keep, Directory.GetFileSystemEntries(after.Folder).Length);
        }

        // Four files of several writes each, their syncs, the folders and the pruning: the loop did stop inside each.
        Assert.InRange(operations, 20, 200);
        Assert.Empty(_warnings);
    }

    [Fact]
    public void Write_DiskFullAtEveryOperation_FailsOrWarnsAndKeepsTheEarlier()
    {
        int operations = 0, failures = 0;
        for (var finished = false; !finished;)
        {
            operations++;
            using var run = new TemporaryFolder();
            Write(new CheckpointStore(run.Path, null, _warnings.Add), 1);
            var files = new FaultyCheckpointFiles(operations, () => new IOException("No space left on device"), forGood: false);
            var store = new CheckpointStore(run.Path, null, _warnings.Add, files);
            try
            {
                Write(store, 2);
                finished = !files.Failed;
            }
            catch (FailureException e)
            {
                failures++;
                Assert.Contains("No space left on device", e.Message);
                Assert.Contains("step 2", e.Message);
            }

            using var checkpoint = new CheckpointStore(run.Path, null, _warnings.Add).OpenLatest()!;
            Assert.InRange(checkpoint.State.Step, 1, 2);
            Assert.DoesNotContain(Directory.GetFileSystemEntries(store.Folder), entry => Path.GetFileName(entry).StartsWith('.'));
        }

        Assert.InRange(failures, 15, operations);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, -1)]
    public void Constructor_ImpossibleOptions_AreRefused(int keep, long every) =>
        Assert.Throws<UsageException>(() => Store(new CheckpointStoreOptions { Keep = keep, KeepEvery = every }));

    internal static CheckpointState State(long step) => new()
    {
        Step = step, Epoch = 2, Position = step * 8, ManifestVersion = 3, Seed = 42, Config = "a: 1\n", ConfigHash = "abc", CodeVersion = "0.1.0",
    };

    internal static WeightTensor[] Model(long step) => [WeightTensor.FromFloats("vid_student.backbone.cls_token", [2], [step, 1])];

    private static WeightTensor[] Optimizer(long step) => [WeightTensor.FromFloats("exp_avg/x", [1], [2 * step]), WeightTensor.FromInt64s("steps", [], [step])];

    private static void Write(CheckpointStore store, long step) => store.Write(State(step), Model(step), Optimizer(step));

    private CheckpointStore Store(CheckpointStoreOptions? options = null) => new(_run.Path, options, _warnings.Add);

    private sealed class KilledException : Exception;
}
