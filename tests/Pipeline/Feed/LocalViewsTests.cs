using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>What local views show: the bytes of the clip at the place drawn, whatever the cache holds, read once where they lie in the global window.</summary>
public sealed class LocalViewsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-local").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FrameCodecs.Raw, AudioCodecs.Mel, LocalFrom.Window, 3)]
    [InlineData(FrameCodecs.Jpeg, AudioCodecs.Pcm, LocalFrom.Window, 1)]
    [InlineData(FrameCodecs.Raw, AudioCodecs.Pcm, LocalFrom.Clip, 2)]
    [InlineData(FrameCodecs.Jpeg, AudioCodecs.Mel, LocalFrom.Clip, 3)]
    public async Task ReadAsync_CommittedCache_ShowsTheClipAtThePlaceDrawn(string frames, string audio, LocalFrom from, int views)
    {
        // Clips shorter than a window and shorter than a local view are among them.
        var pcm = audio == AudioCodecs.Pcm;
        FakeClips made = new(19, frames: i => 1 + i, melFrames: i => 1 + (3 * i), samples: pcm ? i => 100 + (200 * i) : null)
        {
            Fingerprint = new FakeClips(1).Fingerprint with { FramesCodec = frames, AudioCodec = audio },
        };
        var cache = await made.CommitAsync(_folder, Token);
        var options = FakeClips.Options with { LocalFrom = from, LocalVideoViews = views, LocalAudioViews = views, MelMean = 0, MelStd = 1 };
        using CacheClipSource source = new(cache);
        WindowReader reader = new(source, options.Mel);
        int within = 0, seen = 0;
        WindowRecorder windows = new();
        await using ClipFeed feed = new(new CacheClipSource(cache), options, windows);
        await foreach (var batch in feed.ReadAsync(0, 6, cancellationToken: Token))
        {
            using (batch)
            {
                Assert.Equal((1 + views, 1 + views), (batch.Levels.Count, batch.Audio.Count));
                for (var slot = 0; slot < batch.Size; slot++)
                {
                    (var clip, var plan) = (cache.Clips[(int)batch.ClipIndices[slot]], batch.Plans[slot]);
                    var all = new byte[clip.NumFrames * clip.FrameBytes];
                    source.ReadFrames(clip, 0, clip.NumFrames, all);
                    for (var view = 0; view <= views; view++)
                    {
                        var expected = Enumerable.Range(plan.Video[view], view == 0 ? 6 : 3).SelectMany(f => all.Skip(f % clip.NumFrames * clip.FrameBytes).Take(clip.FrameBytes));
                        Assert.Equal(expected, windows.Frames(batch, slot, view));
                        if (!pcm)
                        {
                            var mel = new Half[FakeClips.Mels * (view == 0 ? 20 : 7)];
                            reader.ReadAudio(Stretch.Of(clip), [(plan.Audio[view], view == 0 ? 20 : 7)], mel);
                            Assert.Equal(mel, windows.Mel(batch, slot, view));
                        }
                    }

                    within += plan.Video[1..].Count(v => v >= plan.Video[0] && v + 3 <= plan.Video[0] + 6);
                    seen += views;
                }
            }
        }

        Assert.Equal(from == LocalFrom.Window, within == seen);
        Assert.True(seen >= 48);
    }

    [Theory]
    [InlineData(LocalFrom.Window, 1)]
    [InlineData(LocalFrom.Clip, 4)]
    public async Task ReadAsync_ThreeLocalViews_ReadsTheWindowOnce(LocalFrom from, int reads)
    {
        FakeClips clips = new(24);
        var options = FakeClips.Options with { LocalFrom = from, LocalVideoViews = 3 };
        await SampleTrace.ReadAsync(clips, options, 0, 5);
        Assert.Equal(5 * 8 * reads, clips.Reads);

        // And the budget counts what is read: 6 frames of the window, with 3 of each local view beside it only where they are read.
        SampleWorker worker = new(options, new WindowReader(clips, options.Mel), new CropAugmenter(TestCrops.Centre, 0, 1));
        long audio = 2 * FakeClips.Mels * (20 + 7 + clips.Clips[0].MelFrames);
        Assert.Equal(((from == LocalFrom.Window ? 6 : 15) * clips.Clips[0].FrameBytes) + audio, worker.WindowBytes(Stretch.Of(clips.Clips[0])));
    }

    [Fact]
    public void Constructor_LocalViewsLongerThanTheWindow_AreRefusedUnlessCutOutOfTheClip()
    {
        var options = FakeClips.Options with { LocalFrames = 7, LocalAudioFrames = 21 };
        var error = Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(24), options));
        Assert.Contains("local views of 7 frames do not fit the global window of 6", error.Message, StringComparison.Ordinal);
        Assert.Contains("local views of 21 audio frames do not fit the global window of 20", error.Message, StringComparison.Ordinal);
        Assert.NotNull(new ClipFeed(new FakeClips(24), options with { LocalFrom = LocalFrom.Clip }));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
