using System.Runtime.InteropServices;

namespace Xkd.Storage.Tests;

/// <summary>Clips of made-up media: every byte a function of the id, so that what is read can be checked without keeping it.</summary>
internal static class Clips
{
    public static readonly Fingerprint Fingerprint = new() { Mels = 8, ShortSide = 12, Decoder = "made up" };

    public static ClipRecord Make(string id, int frames = 5, int height = 12, int width = 16, int melFrames = 7, string? item = null, int samples = 0)
    {
        Random random = new(id.Aggregate(17, (h, c) => unchecked((h * 31) + c)));
        var pixels = new byte[frames * height * width * 3];
        random.NextBytes(pixels);
        Half[] mel = [.. Enumerable.Range(0, Fingerprint.Mels * melFrames).Select(_ => (Half)((random.NextDouble() * 4) - 9))];
        var pcm = new byte[samples * 2];
        random.NextBytes(pcm);
        return new ClipRecord
        {
            Id = id,
            SourceItem = item ?? id,
            Source = $"/media/{id}",
            Label = frames % 2 == 0 ? null : $"class {frames}",
            Labels = id.Length % 3 == 0 ? [] : [.. Enumerable.Range(0, id.Length % 3).Select(i => $"tag {i} ü")],
            Split = id.Length % 2 == 0 ? null : "train",
            Folds = id.Length % 2 == 0 ? ["1:train", "2:test"] : [],
            Start = 1.5,
            Duration = frames / 8.0,
            Fps = 8,
            Width = width,
            Height = height,
            NumFrames = frames,
            Frames = pixels,
            MelFrames = melFrames,
            Mel = MemoryMarshal.AsBytes(mel.AsSpan()).ToArray(),
            Pcm = pcm,
            AudioRate = 16000,
            MelSum = mel.Sum(v => (double)v),
            MelSumSquares = mel.Sum(v => (double)v * (double)v),
        };
    }

    public static LedgerEntry Committed(string id) => new() { Id = id, Source = $"/media/{id}", State = ItemState.Committed };

    public static LedgerEntry Failed(string id) =>
        new() { Id = id, Source = $"/media/{id}", State = ItemState.Failed, Stage = "decode", Reason = "truncated", Detail = "3 of 10 s" };

    public static Task<CacheWriter> OpenAsync(string cache, CacheWriterOptions? options = null, Fingerprint? fingerprint = null) =>
        CacheWriter.OpenAsync(cache, fingerprint ?? Fingerprint, options ?? new CacheWriterOptions(), TimeProvider.System, TestContext.Current.CancellationToken);

    public static async Task AddAsync(this CacheWriter writer, params ClipRecord[] clips)
    {
        foreach (var item in clips.GroupBy(c => c.SourceItem))
        {
            foreach (var clip in item)
            {
                await writer.AppendAsync(clip, TestContext.Current.CancellationToken);
            }

            await writer.SettleAsync(Committed(item.Key), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>A committed cache of these clips.</summary>
    public static async Task<Manifest> WriteAsync(string cache, IEnumerable<ClipRecord> clips, CacheWriterOptions? options = null, Fingerprint? fingerprint = null)
    {
        await using var writer = await OpenAsync(cache, options, fingerprint);
        await writer.AddAsync([.. clips]);
        return await writer.CommitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Reads a clip's payload back and compares it to what <see cref="Make"/> gave.</summary>
    public static void AssertSame(ClipRecord expected, Cache cache)
    {
        var clip = Assert.Single(cache.Clips, c => c.Id == expected.Id);
        Assert.Equal(
            (expected.Source, expected.Label, expected.Split, expected.Start, expected.Duration, expected.Fps, expected.Width, expected.Height, expected.NumFrames, expected.MelFrames, expected.AudioRate),
            (clip.Source, clip.Label, clip.Split, clip.Start, clip.Duration, clip.Fps, clip.Width, clip.Height, clip.NumFrames, clip.MelFrames, clip.AudioRate));
        Assert.Equal(expected.Labels, clip.Labels);
        Assert.Equal(expected.Folds, clip.Folds);
        using ClipReader reader = new(cache);
        var frames = new byte[clip.NumFrames * clip.FrameBytes];
        reader.ReadFrames(clip, 0, clip.NumFrames, frames);
        Assert.True(expected.Frames.Span.SequenceEqual(frames));
        var mel = new Half[Fingerprint.Mels * clip.MelFrames];
        reader.ReadMel(clip, mel);
        Assert.True(expected.Mel.Span.SequenceEqual(MemoryMarshal.AsBytes(mel.AsSpan())));
        var pcm = new short[clip.NumSamples];
        reader.ReadPcm(clip, pcm);
        Assert.True(expected.Pcm.Span.SequenceEqual(MemoryMarshal.AsBytes(pcm.AsSpan())));
    }
}
