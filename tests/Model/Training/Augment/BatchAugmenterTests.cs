using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Training;

/// <summary>The batched kernel beside the one on the CPU, on the same windows and draws.</summary>
[Collection(nameof(AloneCollection))]
public sealed class BatchAugmenterTests
{
    // Loads libtorch the way the program does, before anything touches a tensor.
    private static Device Cpu => Devices.Parse("cpu");

    private static readonly VideoViewOptions Busy = new()
    {
        Frames = 3, Size = 24, CropScaleMin = 0.1, Hue = 0.5, Brightness = 0.8, Contrast = 0.8, Saturation = 0.8, JitterProbability = 0.8, GrayProbability = 0.25,
    };

    [Fact]
    public void Video_ClipsOfSeveralSizesEveryOperationButBlur_EqualsTheCpuKernelBitForBit()
    {
        (var cpu, var batch) = Video(Busy, clips: 24);
        Assert.Equal(cpu, batch);
    }

    [Fact]
    public void Video_Blurred_DiffersFromTheCpuKernelByOneLevelAtMost()
    {
        (var cpu, var batch) = Video(Busy with { BlurProbability = 1, Size = 40 }, clips: 12);
        var level = 1 / (255 * 0.224f);
        double[] gaps = [.. cpu.Zip(batch, (a, b) => Math.Abs(a - b) / level)];
        Assert.True(gaps.Max() < 1.05, $"the largest gap is {gaps.Max()} levels");
        Assert.True(gaps.Count(g => g > 0.5) < 0.05 * gaps.Length, $"{gaps.Count(g => g > 0.5)} of {gaps.Length} values differ");
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0, 1, 2)]
    [InlineData(9, 2, 2)]
    public void Spectrogram_EveryOperation_EqualsTheCpuKernelToRounding(int warp, int frequencyMasks, int timeMasks)
    {
        const int mels = 16, frames = 50, clips = 12;
        var kind = SpectrogramViewOptions.Local with
        {
            Frames = frames,
            ResizeCropProbability = 0.7,
            CanvasFrequency = 1.25,
            TimeWarpWindow = warp,
            FrequencyMasks = frequencyMasks,
            FrequencyMaskBound = 6,
            TimeMasks = timeMasks,
            TimeMaskBound = 9,
            MaskFill = timeMasks == 2 && warp == 0 ? MaskFill.Zero : MaskFill.Mean,
        };
        AugmentationOptions options = new() { GlobalVideo = new VideoViewOptions { Views = 0 }, LocalVideo = new VideoViewOptions { Views = 0 }, GlobalAudio = kind, LocalAudio = kind with { Views = 0 } };
        Random random = new(3);
        Half[] mel = [.. Enumerable.Range(0, clips * mels * frames).Select(_ => (Half)(random.NextDouble() * 12 - 15.9))];
        SpectrogramViewAugmentation[] views = [.. Enumerable.Range(0, clips).Select(i => ClipAugmentation.Draw(options, new SampleKey(1, 0, i), 32, 32, mels).Audio[0])];
        var expected = new float[mel.Length];
        SpectrogramAugmenter cpu = new(-5.4, 4.4);
        for (var i = 0; i < clips; i++)
        {
            cpu.Apply(mel.AsSpan(i * mels * frames, mels * frames), mels, views[i], expected.AsSpan(i * mels * frames, mels * frames));
        }

        using HostTensors host = new(Cpu);
        using var windows = host.Of(mel, ScalarType.Float16, clips, mels, frames);
        using var made = new SpectrogramBatchKernel(-5.4, 4.4, new LogMelOptions().LogEpsilon, Cpu).Apply(windows, views);
        Assert.Equal([clips, 1, mels, frames], made.shape);
        var actual = made.data<float>().ToArray();
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 2e-5f * Math.Max(1, Math.Abs(p.First))));
        Assert.NotEqual(expected[..(mels * frames)], expected[(mels * frames)..(2 * mels * frames)]);
    }

    [Theory]
    [InlineData(1, 1, LocalFrom.Window)]
    [InlineData(3, 2, LocalFrom.Window)]
    [InlineData(3, 2, LocalFrom.Clip)]
    public async Task Apply_AnyNumberOfLocalViews_EqualsTheFeedsOwnViews(int video, int audio, LocalFrom from)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config();
        config = config with { Data = config.Data with { LocalVideoViews = video, LocalAudioViews = audio, LocalFrom = from }, Augment = config.Augment with { LocalBlur = 0 } };
        var feed = config.ToFeed(0.5, 3, new PipelineGraphOptions());
        var cache = Cache.Open(small.Cache);
        using HostTensors host = new(Cpu);
        BatchAugmenter augmenter = new(feed, 0.5, 3, host);
        var expected = await ReadAsync(cache, feed, batch => XkdInputTensors.Of(batch, host));
        var actual = await ReadAsync(cache, feed with { DeferAugmentation = true }, augmenter.Apply);
        Assert.Equal(2 * (2 + 2 + video + audio), expected.Count);
        Assert.Equal(expected.Select(e => e.Length), actual.Select(a => a.Length));
        Assert.All(expected.Zip(actual), pair => Assert.All(pair.First.Zip(pair.Second), v => Assert.Equal(v.First, v.Second, 2e-5f * Math.Max(1, Math.Abs(v.First)))));
    }

    private static (float[] Cpu, float[] Batch) Video(VideoViewOptions kind, int clips)
    {
        (int Height, int Width)[] sizes = [(32, 43), (32, 57), (57, 32), (90, 43)];
        AugmentationOptions options = new() { GlobalVideo = kind, LocalVideo = kind with { Views = 0 } };
        Random random = new(7);
        HostFrames windows = new(clips, kind.Frames);
        ClipEntry[] entries = [.. Enumerable.Range(0, clips).Select(i => new ClipEntry { Id = $"{i}", Source = "", Height = sizes[i % 4].Height, Width = sizes[i % 4].Width })];
        windows.Layout(entries);
        var views = new VideoViewAugmentation[clips];
        var expected = new float[clips * 3 * kind.Frames * kind.Size * kind.Size];
        VideoAugmenter cpu = new();
        for (var i = 0; i < clips; i++)
        {
            (var height, var width) = (entries[i].Height, entries[i].Width);
            var window = windows.Place(i, entries[i]);
            for (var b = 0; b < window.Length; b++)
            {
                window[b] = (byte)Math.Clamp(128 + (110 * Math.Sin((b * 0.002 * (i + 1)) + (b % 3))) + random.Next(-15, 15), 0, 255); // saturated, flat and coloured parts
            }

            views[i] = ClipAugmentation.Draw(options, new SampleKey(11, 2, i), height, width, 16).Video[0];
            var values = expected.Length / clips;
            cpu.Apply(window, height, width, views[i], kind.Size, expected.AsSpan(i * values, values));
        }

        Assert.Contains(views, v => v.Flip);
        Assert.Contains(views, v => v.Gray);
        Assert.True(views.Where(v => v.Jitter is not null).Select(v => string.Join(',', v.Jitter!.Order)).Distinct().Count() > 4);
        using HostTensors host = new(Cpu);
        using var bytes = host.Of(windows.Data, ScalarType.Byte, windows.Length);
        using var made = new VideoBatchKernel([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f], Cpu).Apply(bytes, windows.Whole(), views, kind.Size, kind.Size);
        Assert.Equal([clips, 3, kind.Frames, kind.Size, kind.Size], made.shape);
        return (expected, made.data<float>().ToArray());
    }

    private static async Task<List<float[]>> ReadAsync(Cache cache, FeedOptions options, Func<HostBatch, XkdInputTensors> make)
    {
        List<float[]> values = [];
        await using ClipFeed feed = new(cache, options);
        await foreach (var batch in feed.ReadAsync(0, 2, cancellationToken: TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                using var input = make(batch);
                values.AddRange(input.Value.Video.Concat(input.Value.Audio).Append(input.Value.VideoNoise).Append(input.Value.AudioNoise).Select(t => t.data<float>().ToArray()));
            }
        }

        return values;
    }
}
