using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Evaluation;

[Collection(nameof(EvaluationWorld))]
public sealed class FeatureFilesTests(EvaluationWorld world)
{
    // One sum in another order: a handful of float32 roundings of values of size 1.
    private const double Tolerance = 1e-5;

    [Fact]
    public async Task WriteAsync_BothEncoders_JoinsAudioThenVideo()
    {
        using EvaluationEncoder audio = Encoder(WeightModality.Audio), video = Encoder(WeightModality.Video);
        var joined = await WriteAsync("joined.parquet", [audio, video], new FeatureFileOptions());
        var seen = await WriteAsync("seen.parquet", [video], new FeatureFileOptions());
        Assert.Equal(audio.Width + video.Width, joined.Dim);
        for (var clip = 0; clip < joined.Clips; clip++)
        {
            Assert.All(seen.Clip(clip).ToArray().Zip(joined.Clip(clip)[audio.Width..].ToArray()), v => Assert.Equal(v.First, v.Second, Tolerance));
        }
    }

    [Fact]
    public async Task WriteAsync_ARowAWindow_CoversEveryClipWithTimes()
    {
        using var video = Encoder(WeightModality.Video);
        var (seconds, cache) = (video.Description.Frames / video.Description.Fps, Cache.Open(world.Segments));
        var perClip = (int)Math.Ceiling(cache.Clips[0].Duration / seconds);
        Assert.True(perClip > 1, $"clips of {cache.Clips[0].Duration} s have one window of {seconds} s");
        var file = world.Out("windows.csv");
        await FeatureFiles.WriteAsync([video], cache, file, new FeatureFileOptions { Windows = null, Batch = 5 }, _ => { }, TestContext.Current.CancellationToken);
        string[][] lines = [.. (await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken)).Select(l => l.Split(','))];
        Assert.Equal(["id", "label", "start", "end", "f0"], lines[0].Take(5));
        Assert.Equal(cache.Clips.Count * perClip, lines.Length - 1);
        foreach (var (clip, rows) in cache.Clips.Zip(lines.Skip(1).Chunk(perClip)))
        {
            (double Start, double End)[] times = [.. rows.Select(r => (double.Parse(r[2], CultureInfo.InvariantCulture), double.Parse(r[3], CultureInfo.InvariantCulture)))];
            Assert.All(rows, r => Assert.Equal((clip.Id, clip.Label), (r[0], r[1])));
            Assert.Equal((clip.Start, clip.Start + clip.Duration), (times[0].Start, times[^1].End));
            Assert.All(times.Zip(times.Skip(1)), t => Assert.True(t.Second.Start <= t.First.End, "a part of the clip is in no window"));
        }

        // Their mean is what a row a clip of as many windows holds.
        var mean = await WriteAsync("mean.parquet", [video], new FeatureFileOptions { Windows = perClip }, world.Segments);
        Assert.Equal(lines.Skip(1).Take(perClip).Average(r => double.Parse(r[4], CultureInfo.InvariantCulture)), mean.Clip(0)[0], Tolerance);
    }

    [Fact]
    public async Task WriteAsync_Tokens_AverageToTheFeaturesAndLieInAnArrayWithIds()
    {
        using var audio = Encoder(WeightModality.Audio);
        var file = world.Out("tokens.npy");
        var cache = Cache.Open(world.Splits);
        await FeatureFiles.WriteAsync([audio], cache, file, new FeatureFileOptions { Tokens = true }, _ => { }, TestContext.Current.CancellationToken);
        var (tokens, width) = (audio.Network.NativeTokens, audio.Width);
        var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        Assert.Contains($"'shape': ({cache.Clips.Count}, {tokens}, {width})", System.Text.Encoding.Latin1.GetString(bytes, 0, 128), StringComparison.Ordinal);
        var values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan(128)).ToArray();
        Assert.Equal(cache.Clips.Count * tokens * width, values.Length);
        var features = await WriteAsync("plain.parquet", [audio], new FeatureFileOptions());
        for (var clip = 0; clip < cache.Clips.Count; clip++)
        {
            Assert.Equal(features.Clip(clip)[1], Enumerable.Range(0, tokens).Average(t => values[(((clip * tokens) + t) * width) + 1]), Tolerance);
        }

        var ids = await File.ReadAllLinesAsync(world.Out("tokens.ids.csv"), TestContext.Current.CancellationToken);
        Assert.Equal(cache.Clips.Select(c => c.Id).Prepend("id"), ids.Select(l => l.Split(',')[0]));
    }

    [Fact]
    public async Task WriteAsync_Stopped_LeavesNoFile()
    {
        using var audio = Encoder(WeightModality.Audio);
        foreach (var extension in new[] { "parquet", "npy", "csv" })
        {
            using CancellationTokenSource stop = new();
            var file = world.Out("stopped." + extension);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FeatureFiles.WriteAsync(
                [audio], Cache.Open(world.Splits), file, new FeatureFileOptions { Batch = 1 }, _ => stop.Cancel(), stop.Token));
        }

        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(world.Out("x"))!, "stopped*"));
        await Assert.ThrowsAsync<UsageException>(() => WriteAsync("features.txt", [audio], new FeatureFileOptions()));
    }

    private EvaluationEncoder Encoder(WeightModality modality) =>
        EvaluationEncoder.Open(world.Run(XkdVariant.Xkd), modality, WeightBranch.Teacher, new EncoderSection(), CPU);

    private async Task<FeatureSet> WriteAsync(string name, IReadOnlyList<EvaluationEncoder> encoders, FeatureFileOptions options, string? cache = null)
    {
        await FeatureFiles.WriteAsync(encoders, Cache.Open(cache ?? world.Splits), world.Out(name), options, _ => { }, TestContext.Current.CancellationToken);
        return await FeatureFiles.ReadAllAsync(world.Out(name), 1000, TestContext.Current.CancellationToken);
    }
}
