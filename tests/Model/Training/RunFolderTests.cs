using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Tests.Training;

/// <summary>What a run's folder must hold, and what must be left in it.</summary>
[Collection(nameof(AloneCollection))]
public sealed class RunFolderTests
{
    [Theory]
    [InlineData("", "is a file; name a folder for the run")]
    [InlineData("notes.txt", "holds other things and no run (notes.txt is one)")]
    [InlineData("checkpoints/step-00000004/model.safetensors", "holds other things and no run (checkpoints is one)")]
    public async Task RunAsync_FolderOfOtherThings_IsRefusedAndLeftAsItIs(string other, string expected)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var path = Path.TrimEndingDirectorySeparator(Path.Combine(small.Run("run"), other));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, "mine", TestContext.Current.CancellationToken);
        foreach (var resume in new[] { ResumeMode.Never, ResumeMode.Auto })
        {
            var error = await Assert.ThrowsAsync<UsageException>(() => small.TrainAsync(SmallRun.Config(), "run", 1, resume));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        }

        Assert.Equal([path], Directory.Exists(small.Run("run")) ? Directory.GetFiles(small.Run("run"), "*", SearchOption.AllDirectories) : [small.Run("run")]);
    }

    [Fact]
    public async Task RunAsync_FolderOfTheCache_IsRefused()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await Assert.ThrowsAsync<UsageException>(() => small.TrainAsync(SmallRun.Config(), "cache", 1));
    }

    [Fact]
    public async Task RunAsync_StartThatWasEndedBeforeItsConfiguration_IsBegunAgain()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 1);
        foreach (var file in new[] { "config.yaml", "metrics.jsonl", "verdict.json", "checkpoints/step-00000001" })
        {
            var path = Path.Combine(small.Run("run"), file);
            (Directory.Exists(path) ? (Action<string>)(p => Directory.Delete(p, recursive: true)) : File.Delete)(path);
        }

        await small.TrainAsync(SmallRun.Config() with { Seed = 8 }, "run", 2);
        Assert.Equal(8, new RunFolder(small.Run("run")).ReadConfig().Seed);
        Assert.Equal([1L, 2], small.Metrics("run").Select(m => m.Step));
    }

    [Fact]
    public async Task RunAsync_RunOfAnOlderVersion_IsResumedDespiteARemovedKey()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 2);
        string config = Path.Combine(small.Run("run"), "config.yaml"), text = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config, text.Replace("  wire: auto\n", "  wire: auto\n  overlap: true\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Contains("overlap", await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await small.TrainAsync(SmallRun.Config(), "run", 4, ResumeMode.Required);
        Assert.Equal([1L, 2, 3, 4], small.Metrics("run").Select(m => m.Step));
    }

    [Theory]
    [InlineData(ResumeMode.Never)]
    [InlineData(ResumeMode.Required)]
    [InlineData(ResumeMode.Auto)]
    public async Task RunAsync_WhileAnotherTrainsIntoTheFolder_IsRefusedAndChangesNothing(ResumeMode resume)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 2);
        var before = Files(small.Run("run"));
        using (RunLock other = new(small.Run("run")))
        {
            other.Take();
            var error = await Assert.ThrowsAsync<FailureException>(() => small.TrainAsync(SmallRun.Config(), "run", 4, resume));
            Assert.Contains("is being trained into by another process", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, Files(small.Run("run")));
        await small.TrainAsync(SmallRun.Config(), "run", 4, ResumeMode.Required);
        Assert.Equal(4, small.Metrics("run").Count);
    }

    [Fact]
    public async Task RunAsync_SeveralBeginOneRunAtOnce_OneTrainsAndTheOthersAreRefused()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var refused = 0;
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async _ =>
        {
            try
            {
                await small.TrainAsync(SmallRun.Config(), "run", 6);
            }
            catch (XkdException e) when (e.Message.Contains("another process", StringComparison.Ordinal) || e.Message.Contains("already holds a run", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref refused);
            }
        }));
        Assert.Equal(2, refused);
        Assert.Equal(Enumerable.Range(1, 6).Select(step => (long)step), small.Metrics("run").Select(m => m.Step));
    }

    [Theory]
    [InlineData("gone", "has no checkpoint to continue from")]
    [InlineData("emptied", "has no checkpoint to continue from")]
    [InlineData("broken", "no checkpoint in")]
    [InlineData("but the start's", "is whole but that of the start")]
    public async Task RunAsync_ResumedWithoutAGoodCheckpoint_SaysSoAndChangesNothing(string state, string expected)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 4);
        var checkpoints = Path.Combine(small.Run("run"), "checkpoints");
        if (state is "gone" or "emptied")
        {
            Directory.Delete(checkpoints, recursive: true);
            Directory.CreateDirectory(state == "emptied" ? checkpoints : small.Run("run"));
        }
        else
        {
            foreach (var model in Directory.GetFiles(checkpoints, "model.safetensors", SearchOption.AllDirectories).Where(f => state == "broken" || f.Contains("00000004", StringComparison.Ordinal)))
            {
                var bytes = File.ReadAllBytes(model);
                bytes[^1] ^= 1;
                File.WriteAllBytes(model, bytes);
            }
        }

        var before = Files(small.Run("run"));
        foreach (var resume in new[] { ResumeMode.Required, ResumeMode.Auto })
        {
            var error = await Assert.ThrowsAsync<FailureException>(() => small.TrainAsync(SmallRun.Config(), "run", 6, resume));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, Files(small.Run("run")));
        }
    }

    [Fact]
    public async Task RunAsync_ParameterNotFinite_FailsNamingItAndItsStepAndKeepsTheLastGoodCheckpoint()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config();
        var error = await Assert.ThrowsAsync<FailureException>(() => small.TrainAsync(config with { Optim = config.Optim with { WarmupLr = 1e308 } }, "run", 1));
        Assert.Matches("^step 1: the parameter [a-z_.0-9]+ is not finite; no checkpoint is written, and that of step 0 stays", error.Message);
        var model = Assert.Single(Directory.GetFiles(Path.Combine(small.Run("run"), "checkpoints"), "model.safetensors", SearchOption.AllDirectories));
        using var file = SafetensorsFile.Open(model);
        Assert.All(file.ReadAll(), tensor => Assert.True(FiniteValues.Only(tensor), tensor.Name));
        Assert.Contains("that of its start", Assert.Throws<UsageException>(() => WeightImporter.Read(small.Run("run"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_ModelLargerThanTheMachine_IsRefusedBeforeItIsMade()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config();
        config = config with { Model = config.Model with { Encoder = new TransformerSection { Dim = 65_536, Depth = 1000, Heads = 64 } } };
        var error = await Assert.ThrowsAsync<UsageException>(() => small.TrainAsync(config, "run", 1));
        Assert.Contains("GB to train, and this machine has", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(small.Run("run")));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[")]
    [InlineData("{\"cache\": \"c\", \"manifest_version\": 1, \"clips\": 7, \"mel_mean\": 0, \"mel_std\": 0}")]
    [InlineData("{\"cache\": \"c\", \"manifest_version\": 1, \"clips\": 7, \"mel_mean\": 0, \"mel_std\": 1e999}")]
    public void ReadOrigin_NotWhatAStartWrites_NamesTheFile(string json)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("run.json"), json);
        Assert.Contains("run.json is damaged", Assert.Throws<FailureException>(() => new RunFolder(Path.GetDirectoryName(folder.File("run.json"))!).ReadOrigin()).Message, StringComparison.Ordinal);
    }

    private static string[] Files(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != "run.lock").Order(StringComparer.Ordinal).Select(f => $"{f} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))}")];
}
