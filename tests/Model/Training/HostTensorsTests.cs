using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Training;

/// <summary>Batches on their way to a device: at once on the CPU, beside its kernels on a GPU, for which the driver has a stand-in.</summary>
[Collection(nameof(AloneCollection))]
public sealed class HostTensorsTests
{
    private const int Rows = 2;

    private static readonly FeedOptions Options = new()
    {
        Frames = 2, FrameSize = 5, LocalFrames = 1, LocalFrameSize = 3, AudioFrames = 7, LocalAudioFrames = 4, Mel = new LogMelOptions { Mels = 3 }, VideoTokens = 5, AudioTokens = 6,
    };

    // Loads libtorch the way the program does, before anything touches a tensor.
    private static Device Cpu => Devices.Parse("cpu");

    [Fact]
    public void Apply_EveryLevelOfEveryChannel_IsWhatTheFeedsOwnKernelNormalises()
    {
        byte[] frames = [.. Enumerable.Range(0, 256).SelectMany(level => Enumerable.Repeat((byte)level, 3))]; // 16 x 16 pixels
        VideoViewAugmentation whole = new() { Crop = CropBox.Whole(16, 16) };
        var levels = new byte[frames.Length];
        var expected = new float[frames.Length];
        VideoAugmenter augmenter = new();
        augmenter.Apply(frames, 16, 16, whole, 16, levels);
        augmenter.Apply(frames, 16, 16, whole, 16, expected);
        using LevelScale scale = new(FrameStatistics.Mean, FrameStatistics.Std, Cpu);
        using var scope = NewDisposeScope();
        Assert.Equal(expected, scale.Apply(tensor(levels, [1, 3, 1, 16, 16])).data<float>().ToArray());
        Assert.Equal(768, expected.Distinct().Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Take_BatchesInTurn_AreTheirValues(bool onDevice)
    {
        _ = Cpu;
        BatchPool pool = new(Options, Rows);
        StandInCuda cuda = new();
        using HostTensors host = new(CPU, onDevice ? cuda.Open() : null);
        for (var n = 0; n < 5; n++)
        {
            var batch = Filled(pool, n);
            using var scope = NewDisposeScope();
            var input = host.Take(batch);
            Assert.Equal([[Rows, 3, 2, 5, 5], [Rows, 3, 1, 3, 3], [Rows, 1, 3, 7], [Rows, 1, 3, 4], [Rows, 5], [Rows, 6]],
                input.Video.Concat(input.Audio).Append(input.VideoNoise).Append(input.AudioNoise).Select(t => t.shape));
            using LevelScale scale = new(FrameStatistics.Mean, FrameStatistics.Std, CPU);
            foreach (var (view, made) in batch.Levels.Zip(input.Video))
            {
                Assert.Equal(scale.Apply(tensor(view.Data, view.Shape)).data<float>().ToArray(), made.data<float>().ToArray());
            }

            Assert.Equal(batch.Audio.SelectMany(v => v.Data), input.Audio.SelectMany(t => t.data<float>().ToArray()));
            Assert.Equal(batch.VideoNoise, input.VideoNoise.data<float>().ToArray());
            Assert.Equal(batch.AudioNoise, input.AudioNoise.data<float>().ToArray());
            host.Return(batch);
        }
    }

    [Fact]
    public void Return_OnADevice_GivesABatchBackWhenItsCopyIsOverAndItsPlaceWhenItsStepIs()
    {
        _ = Cpu;
        BatchPool pool = new(Options, Rows);
        StandInCuda cuda = new();
        var calls = cuda.Calls;
        string[] copies = [.. Enumerable.Repeat("copy", 6)]; // two views of each modality and two of noise
        HostBatch first = Filled(pool, 1), second = Filled(pool, 2), third = Filled(pool, 3), never = Filled(pool, 4);
        using (HostTensors host = new(CPU, cuda.Open()))
        {
            // Events: copies into the first place (1), its last use (2), and the second's (3, 4).
            Step(host, first);
            Assert.Equal(["kernels record 2", "copies await 2", .. copies, "copies record 1", "kernels await 1", "kernels record 2"], calls);
            Assert.False(IsBack(pool, first));
            calls.Clear();
            Step(host, second);
            Assert.Equal(["kernels record 4", "copies await 4", .. copies, "copies record 3", "kernels await 3", "kernels record 4", "host awaits 1"], calls);
            Assert.True(IsBack(pool, first));
            calls.Clear();
            Step(host, third);
            Assert.Equal(["copies await 2", .. copies, "copies record 1", "kernels await 1", "kernels record 2", "host awaits 3"], calls);
            Assert.False(IsBack(pool, third));

            // One that was never taken, as where a step failed before it.
            host.Return(never);
            Assert.True(IsBack(pool, never));
        }

        Assert.True(IsBack(pool, third));
        Assert.Empty(cuda.Locked);
    }

    [Fact]
    public void Copy_ArraysOfAnyNumbers_LocksEachOnceOverItsWholeLength()
    {
        _ = Cpu;
        StandInCuda cuda = new();
        using (var stream = cuda.Open())
        {
            using Tensor bytes = empty(3, ScalarType.Byte), halves = empty(3, ScalarType.Float16), floats = empty(3, ScalarType.Float32);
            byte[] levels = [1, 2, 3, 4, 5];
            Half[] mel = [(Half)1, (Half)2, (Half)3, (Half)4];
            float[] noise = [1, 2, 3];
            for (var i = 0; i < 2; i++)
            {
                stream.Copy(levels, bytes);
                stream.Copy(mel, halves);
                stream.Copy(noise, floats);
            }

            Assert.Equal([5L, 8, 12], cuda.Locked.Values.Order());
            stream.Finish();
            Assert.Equal([1, 2, 3], bytes.data<byte>().ToArray());
            Assert.Equal([1f, 2, 3], halves.to(ScalarType.Float32).data<float>().ToArray());
            Assert.Equal([1f, 2, 3], floats.data<float>().ToArray());
            Assert.Equal(0, stream.Refused);
        }

        Assert.Empty(cuda.Locked);
    }

    [Fact]
    public void Take_DriverRefusesToLock_CopiesAllTheSameAndSaysSo()
    {
        _ = Cpu;
        BatchPool pool = new(Options, Rows);
        StandInCuda cuda = new() { LockResult = 801 };
        using HostTensors host = new(CPU, cuda.Open());
        var batch = Filled(pool, 1);
        Assert.Null(host.Complaint);
        using var scope = NewDisposeScope();
        Assert.Equal(batch.VideoNoise, host.Take(batch).VideoNoise.data<float>().ToArray());
        Assert.Contains("refused to lock", host.Complaint, StringComparison.Ordinal);
        Assert.Contains("CUDA error 801", host.Complaint, StringComparison.Ordinal);
        host.Return(batch);
    }

    [Fact]
    public void Take_CopyFails_NamesTheFunctionAndItsReason()
    {
        _ = Cpu;
        StandInCuda cuda = new() { CopyResult = 700 };
        using HostTensors host = new(CPU, cuda.Open());
        var error = Assert.Throws<FailureException>(() => host.Take(Filled(new BatchPool(Options, Rows), 1)));
        Assert.Contains("cuMemcpyHtoDAsync_v2 failed with 700", error.Message, StringComparison.Ordinal);
    }

    private static void Step(HostTensors host, HostBatch batch)
    {
        using var scope = NewDisposeScope();
        _ = host.Take(batch);
        host.Return(batch);
    }

    private static HostBatch Filled(BatchPool pool, int seed)
    {
        HostBatch batch = new(pool, Rows, step: seed, epoch: 0, position: 0);
        Random random = new(seed);
        batch.Levels.ToList().ForEach(v => random.NextBytes(v.Data));
        foreach (var values in batch.Audio.Select(v => v.Data).Append(batch.VideoNoise).Append(batch.AudioNoise))
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = random.NextSingle();
            }
        }

        return batch;
    }

    // The pool gives what came back last.
    private static bool IsBack(BatchPool pool, HostBatch batch)
    {
        var buffers = pool.Rent();
        var back = buffers.VideoNoise == batch.VideoNoise;
        if (!back)
        {
            return false;
        }

        pool.Return(buffers);
        return true;
    }
}
