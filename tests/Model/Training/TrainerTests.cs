using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Tests.Training;

[Collection(nameof(AloneCollection))]
public sealed class TrainerTests
{
    [Theory]
    [InlineData(XkdVariant.Xkd, 1)]
    [InlineData(XkdVariant.Xkd, 2)]
    [InlineData(XkdVariant.Mats, 1)]
    public async Task RunAsync_StoppedAtAnyStepAndResumed_EqualsTheUninterruptedRunToTheLastBit(XkdVariant variant, int workersAfter)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        const int Steps = 5;
        await small.TrainAsync(SmallRun.Config(variant), "whole", Steps);
        for (var stop = 1; stop < Steps; stop++)
        {
            var run = $"stopped{stop}";
            await small.TrainAsync(SmallRun.Config(variant), run, stop);
            await small.TrainAsync(SmallRun.Config(variant, workersAfter), run, Steps, ResumeMode.Required);
            Assert.Equal(small.Metrics("whole").Select(Learned), small.Metrics(run).Select(Learned));
            Assert.Equal(Weights(small, "whole"), Weights(small, run));
        }
    }

    [Fact]
    public async Task RunAsync_DamagedClipsLeftOutAndStoppedAtAnyStep_ResumesExactlyAndKeepsCounting()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 8);
        small.Damage(2);
        var config = SmallRun.Config();
        config = config with { Data = config.Data with { OnCorrupt = CorruptRowPolicy.Skip } };
        SmallRun.Notes notes = new();
        await small.TrainAsync(config, "whole", 6, notes: notes);
        Assert.Contains(notes.Lines, line => line.Contains("clip002.mp4 is left out, ", StringComparison.Ordinal) && line.Contains(".parquet", StringComparison.Ordinal));
        Assert.InRange(small.Metrics("whole")[^1].Skipped, 2, 6);
        for (var stop = 1; stop < 6; stop++)
        {
            await small.TrainAsync(config, $"stopped{stop}", stop);
            await small.TrainAsync(config, $"stopped{stop}", 6, ResumeMode.Required);
            Assert.Equal(small.Metrics("whole").Select(Learned), small.Metrics($"stopped{stop}").Select(Learned));
        }
    }

    [Theory]
    [InlineData("read", true)]
    [InlineData(PipelineGraph.Consumer, false)]
    public async Task RunAsync_AStageSlowed_CountsAsDataWaitUnlessItIsTheStepItself(string stage, bool waits)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var result = await small.TrainAsync(SmallRun.Config(), "run", 12, slowed: stage);
        Assert.Equal(stage, result.Feed.Bottleneck);
        double[] shares = [.. small.Metrics("run").Skip(2).Select(s => s.DataWait).Order()];
        Assert.Equal(waits, shares[shares.Length / 2] > 0.4);
        Assert.All(shares, s => Assert.InRange(s, 0, 1));
    }

    [Fact]
    public async Task RunAsync_DamagedClip_EndsTheRunNamingShardAndRowByDefault()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 8);
        small.Damage(2);
        var error = await Assert.ThrowsAsync<CorruptCacheException>(() => small.TrainAsync(SmallRun.Config(), "run", 6));
        Assert.Contains(".parquet", error.Message);
        Assert.Equal(2, error.Row);
    }

    [Fact]
    public async Task RunAsync_NewestCheckpointBroken_FallsBackLoudlyAndRetellsTheSameCurve()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "whole", 6);
        await small.TrainAsync(SmallRun.Config(), "broken", 2);
        await small.TrainAsync(SmallRun.Config(), "broken", 4, ResumeMode.Required);
        var newest = Path.Combine(small.Run("broken"), "checkpoints", "step-00000004", "model.safetensors");
        var bytes = File.ReadAllBytes(newest);
        bytes[^9] ^= 0x10;
        File.WriteAllBytes(newest, bytes);

        SmallRun.Notes notes = new();
        await small.TrainAsync(SmallRun.Config(), "broken", 6, ResumeMode.Auto, notes);
        Assert.Contains(notes.Lines, line => line.Contains("step-00000004", StringComparison.Ordinal));
        Assert.Equal(small.Metrics("whole").Select(Learned), small.Metrics("broken").Select(Learned));
    }

    [Fact]
    public async Task Read_CheckpointWithAFlippedBit_IsRefused()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 1);
        string checkpoint = Path.Combine(small.Run("run"), "checkpoints", "step-00000001"), model = Path.Combine(checkpoint, "model.safetensors");
        WeightImportOptions video = new() { Modality = WeightModality.Video };
        File.Delete(Path.Combine(checkpoint, "optimizer.safetensors")); // a model may be passed on alone
        Assert.NotEmpty(WeightImporter.Read(checkpoint, video).Tensors);
        var bytes = File.ReadAllBytes(model);
        bytes[^1] ^= 1;
        File.WriteAllBytes(model, bytes);
        Assert.Contains("model.safetensors has SHA-256", Assert.Throws<FailureException>(() => WeightImporter.Read(checkpoint, video)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_ConfigurationOfCodeThatCannotBe_IsRefusedAsAFileIs()
    {
        using SmallRun small = new();
        var config = SmallRun.Config() with { Batch = 0 };
        config = config with { Model = config.Model with { VideoPatch = [3, 8, 8] } };
        Trainer trainer = new(new TrainerOptions { Config = config, Data = [small.Cache], Out = small.Run("run"), Device = "cpu" });
        var message = (await Assert.ThrowsAsync<UsageException>(() => trainer.RunAsync(TestContext.Current.CancellationToken))).Message;
        Assert.Contains("batch is 0", message);
        Assert.Contains("data.global_frames is 8", message);
        Assert.False(new RunFolder(small.Run("run")).HasRun);
    }

    [Fact]
    public async Task RunAsync_WithALog_SaysWhatItLoadsAndEachIntervalsLoss()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        List<string> lines = [];
        TrainerOptions options = new() { Config = SmallRun.Config(), Data = [small.Cache], Out = small.Run("run"), MaxSteps = 3, Device = "cpu" };
        await new Trainer(options, lines.Add).RunAsync(TestContext.Current.CancellationToken);
        Assert.Contains(lines, line => line.Contains("7 clips", StringComparison.Ordinal));
        Assert.Matches(@"^step 2 of 3: loss \d+\.\d{4}, \d+ ms a step$", lines[^2]);
        Assert.StartsWith("step 3 of 3: loss ", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_ConfigurationDrifted_IsRefusedKeyByKey()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 1);
        var drifted = SmallRun.Config() with { Batch = 2, Seed = 5 };
        var message = (await Assert.ThrowsAsync<UsageException>(() => small.TrainAsync(drifted, "run", 2, ResumeMode.Required))).Message;
        Assert.Contains("batch was 3, now 2", message);
        Assert.Contains("seed was 0, now 5", message);
    }

    [Fact]
    public async Task RunAsync_ResumedFromBeforeAKey_TakesWhatTheRunDidForItsValue()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 1);
        var file = Path.Combine(small.Run("run"), "config.yaml");
        File.WriteAllLines(file, File.ReadAllLines(file).Where(line => !line.Contains("local_from", StringComparison.Ordinal) && !line.Contains("frame_rule", StringComparison.Ordinal)));

        var message = (await Assert.ThrowsAsync<UsageException>(() => small.TrainAsync(SmallRun.Config(), "run", 2, ResumeMode.Required))).Message;
        Assert.Contains("data.local_from was clip, now window", message);
        Assert.DoesNotContain("frame_rule", message);
    }

    [Theory]
    [InlineData(100, 7)]
    [InlineData(0, 8)]
    public async Task RunAsync_ResumedOnOtherClips_IsRefused(int first, int count)
    {
        using SmallRun small = new(), other = new();
        await small.AddClipsAsync(0, 7);
        await other.AddClipsAsync(first, count);
        await small.TrainAsync(SmallRun.Config(), "run", 2);
        var e = await Assert.ThrowsAsync<UsageException>(() => other.TrainAsync(SmallRun.Config(), Path.Combine(small.Root, "run"), 4, ResumeMode.Auto));
        Assert.Contains("are not the 7 that the run was started on", e.Message, StringComparison.Ordinal);
        await small.TrainAsync(SmallRun.Config(), "run", 4, ResumeMode.Auto);
    }

    [Fact]
    public async Task RunAsync_FolderHoldsARun_IsRefusedWithoutResume()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 1);
        Assert.Contains("--resume", (await Assert.ThrowsAsync<UsageException>(() => small.TrainAsync(SmallRun.Config(), "run", 2))).Message);
        Assert.Contains("no run to resume", (await Assert.ThrowsAsync<UsageException>(() => small.TrainAsync(SmallRun.Config(), "other", 2, ResumeMode.Required))).Message);
        Assert.False(Directory.Exists(small.Run("other")));
    }

    [Fact]
    public async Task RunAsync_LossNotFinite_StopsNamingTermStepAndClipsAndKeepsTheLastGoodCheckpoint()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config() with { Train = SmallRun.Config().Train with { LogEvery = 1, CheckpointEvery = 1 } };
        config = config with { Optim = config.Optim with { Lr = 1e30 } };
        var error = await Assert.ThrowsAsync<FailureException>(() => small.TrainAsync(config, "run", 8));
        Assert.Contains("is not finite", error.Message);
        Assert.Single(Directory.GetFiles(small.Run("run"), "not-finite-step-*.txt"));
        Assert.NotEmpty(Directory.GetDirectories(Path.Combine(small.Run("run"), "checkpoints")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task RunAsync_NotANumberPlantedAtAStep_StopsNamingItAndKeepsTheCheckpointBefore(int logEvery)
    {
        using SmallRun small = new();
        const int Clips = 13, Spoiled = 5; // four steps an epoch
        await small.AddClipsAsync(0, Clips, Spoiled);
        var config = SmallRun.Config();
        config = config with { Train = config.Train with { LogEvery = logEvery, CheckpointEvery = 1 }, Seed = await SeedAsync(small, Spoiled) };
        var error = await Assert.ThrowsAsync<FailureException>(() => small.TrainAsync(config, "run", 8));
        StepMetrics[] steps = [.. small.Metrics("run")];
        var planted = steps.First(s => !double.IsFinite(s.Scalars["recon_audio"])).Step;
        Assert.True(planted > 1, "the seed puts the clip into a later step");
        Assert.StartsWith($"step {planted}: recon_audio is not finite", error.Message, StringComparison.Ordinal);
        Assert.Contains($"clip{Spoiled:D3}.mp4", await File.ReadAllTextAsync(Directory.GetFiles(small.Run("run"), "not-finite-step-*.txt").Single(), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.All(Directory.GetDirectories(Path.Combine(small.Run("run"), "checkpoints")), folder => Assert.True(string.CompareOrdinal(Path.GetFileName(folder), $"step-{planted:D8}") < 0, folder));
        Assert.True(Directory.Exists(Path.Combine(small.Run("run"), "checkpoints", $"step-{planted - 1:D8}")));
    }

    [Fact]
    public async Task RunAsync_WithPictures_WritesThemAndLearnsTheSame()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config();
        await small.TrainAsync(config, "plain", 4);
        await small.TrainAsync(config with { Train = config.Train with { Tensorboard = true, ImagesEvery = 2 } }, "pictures", 4);
        Assert.Equal(small.Metrics("plain").Select(Learned), small.Metrics("pictures").Select(Learned));
        var events = System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(
            Directory.GetFiles(Path.Combine(small.Run("pictures"), "tensorboard"), "*", SearchOption.AllDirectories).Single(), TestContext.Current.CancellationToken));
        Assert.All(new[] { "masked/frames", "masked/spectrogram" }, tag => Assert.Equal(2, events.Split(tag).Length - 1));
        Assert.Contains("train/teacher_entropy_video", events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_ResumedOnMklsOtherPath_SaysThatBitsWillDiffer()
    {
        Assert.SkipWhen(LibTorch.Load().Mkl is null, "this libtorch has no MKL within");
        (var here, var other) = LibTorch.Info.Mkl!.Fast ? ("fast", "general") : ("general", "fast");
        using SmallRun small = new();
        await small.AddClipsAsync(0, 6);
        await small.TrainAsync(SmallRun.Config(), "run", 1);
        var origin = Path.Combine(small.Run("run"), "run.json");
        Assert.Contains($"\"mkl\": \"{here}\"", File.ReadAllText(origin), StringComparison.Ordinal);

        SmallRun.Notes same = new(), moved = new();
        await small.TrainAsync(SmallRun.Config(), "run", 2, ResumeMode.Required, same);
        File.WriteAllText(origin, File.ReadAllText(origin).Replace($"\"mkl\": \"{here}\"", $"\"mkl\": \"{other}\"", StringComparison.Ordinal));
        await small.TrainAsync(SmallRun.Config(), "run", 3, ResumeMode.Required, moved);

        Assert.DoesNotContain(same.Lines, line => line.Contains("MKL", StringComparison.Ordinal));
        Assert.Contains(moved.Lines, line => line.Contains($"begun on MKL's {other} path", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_EightySteps_TermsFiniteReconstructionFallsLiveTensorsConstant()
    {
        AloneCollection.Settle();
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config();
        // A collection in the middle: tensors that the start of the run left to the finalizers would leave the count there.
        SmallRun.Notes notes = new(step =>
        {
            if (step == 40)
            {
                AloneCollection.Settle();
            }
        });
        await small.TrainAsync(config with { Optim = config.Optim with { Epochs = 40, Lr = 1e-2 } }, "run", 80, notes: notes);
        var steps = small.Metrics("run");
        Assert.All(steps, s => Assert.All(s.Scalars.Values, value => Assert.True(double.IsFinite(value))));
        Assert.True(steps.TakeLast(10).Average(s => s.Scalars["recon_video"]) < 0.97 * steps.Take(4).Average(s => s.Scalars["recon_video"]));
        Assert.True(steps.TakeLast(10).Average(s => s.Scalars["recon_audio"]) < 0.97 * steps.Take(4).Average(s => s.Scalars["recon_audio"]));
        // Odd and even steps differ by the losses kept until the interval's flush; like is compared with like.
        Assert.Equal(steps[5].LiveTensors, steps[79].LiveTensors);
    }

    [Fact]
    public async Task RunAsync_CacheGrew_StaysOnTheVersionTheRunStartedWith()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "whole", 4);
        await small.TrainAsync(SmallRun.Config(), "run", 2);
        await small.AddClipsAsync(7, 6);
        await small.TrainAsync(SmallRun.Config(), "run", 4, ResumeMode.Required);
        Assert.Equal(small.Metrics("whole").Select(Learned), small.Metrics("run").Select(Learned));
    }

    // A seed whose first step is without the clip.
    private static async Task<long> SeedAsync(SmallRun small, int spoiled)
    {
        for (long seed = 0; ; seed++)
        {
            ClipFeed feed = new(Cache.Open(small.Cache), SmallRun.Config().ToFeed(0, 1, new PipelineGraphOptions()) with { Seed = (ulong)seed });
            await using (feed.ConfigureAwait(false))
            {
                await foreach (var batch in feed.ReadAsync(0, 1))
                {
                    using (batch)
                    {
                        if (!batch.ClipIds.Contains($"clip{spoiled:D3}.mp4"))
                        {
                            return seed;
                        }
                    }
                }
            }
        }
    }

    // What the step computed, not how long it took.
    private static string Learned(StepMetrics s) =>
        string.Join(' ', s.Values.Where(v => v.Key is not ("ms" or "samples_per_s" or "data_wait" or "mfu" or "live_tensors" or "rss")).Select(v => $"{v.Key}={v.Value:R}"));

    private static string[] Weights(SmallRun small, string run)
    {
        var newest = Directory.GetDirectories(Path.Combine(small.Run(run), "checkpoints")).Order(StringComparer.Ordinal).Last();
        return [.. new[] { "model.safetensors", "optimizer.safetensors" }.Select(f => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(newest, f)))))];
    }
}
