using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>One window of a whole video an epoch, across the segments it was cut into.</summary>
public sealed class VideoSampleTests
{
    private const int Draws = 20_000;

    private static readonly FeedOptions Options = FakeClips.Options with { Sample = SampleUnit.PerVideo, BatchSize = 4 };

    [Theory]
    [InlineData(Modalities.Both, false)]
    [InlineData(Modalities.Video, true)]
    [InlineData(Modalities.Audio, true)]
    public void Draw_VideoOfTwelveSegments_StartsAreEquallyLikelyOverTheWholeVideo(Modalities modalities, bool waveform)
    {
        var clips = FakeVideos.Of([12, 1], waveform);
        var plans = Draw(clips, Options with { Modalities = modalities });
        if (modalities == Modalities.Audio)
        {
            // 12 segments of 4,000 samples, of which a window takes 1,140 (20 frames at hop 60): 469 places of 100.
            Uniformity.Require(plans.Select(p => ((int)Math.Round(p.Stretch.First.Start * 1600) + p.Audio[0]) / 100), 469);
        }
        else
        {
            Uniformity.Require(plans.Select(p => (int)Math.Round(p.Stretch.First.Start * 8) + p.Video[0]), (12 * FakeVideos.Frames) - 6 + 1);
            Assert.All(plans, p => Assert.InRange(p.Video[0], 0, FakeVideos.Frames - 1));
            Assert.All(plans, p => Assert.All(p.Video[1..], local => Assert.InRange(local - p.Video[0], 0, 3)));
        }
    }

    [Fact]
    public void Draw_SegmentMissingInTheMiddle_IsBridgedByNoWindow()
    {
        var clips = FakeVideos.Of([7, 1], missing: 3);
        var plans = Draw(clips, Options);
        Assert.All(plans, p => Assert.True(p.Video[0] + 6 <= p.Stretch.NumFrames));
        int[] starts = [.. plans.Select(p => (int)Math.Round(p.Stretch.First.Start * 8) + p.Video[0])];
        Assert.DoesNotContain(starts, s => s is > 60 - 6 and < 80);
        Uniformity.Require(starts.Select(s => s < 80 ? s : s - 80 + 55), 55 + 55); // each stretch of three segments has 60 - 6 + 1 places
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadAsync_WindowsAcrossSegments_AreThoseOfTheWholeVideo(bool waveform)
    {
        var clips = FakeVideos.Of([5, 3, 1, 2, 11], waveform);
        var across = 0;
        List<string> seen = [];
        WindowRecorder windows = new();
        await using ClipFeed feed = new(clips, Options, windows);
        Assert.Equal(1, feed.StepsPerEpoch); // five videos, batches of four
        await foreach (var batch in feed.ReadAsync(0, 60, cancellationToken: TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                string[] items = [.. batch.ClipIds.Select(id => SegmentId.Split(id).Item)];
                Assert.Equal(4, items.Distinct().Count());
                seen.AddRange(items);
                for (var slot = 0; slot < batch.Size; slot++)
                {
                    var plan = batch.Plans[slot];
                    Assert.Same(clips.Clips[(int)batch.ClipIndices[slot]], plan.Stretch.First);
                    Assert.Equal(plan.Stretch.First.Id, batch.ClipIds[slot]);
                    across += plan.Video[0] + 6 > FakeVideos.Frames ? 1 : 0;
                    for (var view = 0; view < 3; view++)
                    {
                        var frames = windows.Frames(batch, slot, view);
                        Assert.Equal((view == 0 ? 6 : 3) * plan.Stretch.FrameBytes, frames.Length);
                        for (var f = 0; f < frames.Length / plan.Stretch.FrameBytes; f++)
                        {
                            var segment = plan.Stretch[(plan.Video[view] + f) / FakeVideos.Frames];
                            Assert.Equal(FakeClips.Pixel(segment.Row, (plan.Video[view] + f) % FakeVideos.Frames, 5), frames[(f * segment.FrameBytes) + 5]);
                        }
                    }

                    for (var view = 0; view < 2; view++)
                    {
                        Assert.Equal(waveform ? OfWaveform(clips, plan, view, Options) : OfSpectrograms(plan, view), windows.Mel(batch, slot, view));
                    }
                }
            }
        }

        Assert.InRange(across, 30, 200); // of 240 windows, 5 of every 20 starts but for the last segment's
        Assert.Equal(5, seen.Distinct().Count());
    }

    [Fact]
    public async Task ReadAsync_DamageInTheSegmentThatAWindowReachesInto_SkipsTheVideo()
    {
        var clips = FakeVideos.Of([2, 1, 1, 1, 1, 1], damaged: 1);
        List<DamagedRow> damaged = [];
        var seen = await SampleTrace.ReadAsync(clips, Options with { CorruptRows = CorruptRowPolicy.Skip }, 0, 200, tailUsed: null, batch => damaged.AddRange(batch.Damaged));
        Assert.Equal(4 * 200, seen.Count);
        Assert.All(seen.GroupBy(s => s.Epoch), epoch => Assert.Equal(4, epoch.Select(s => SegmentId.Split(s.Clip).Item).Distinct().Count()));
        Assert.Contains(damaged, d => d.ClipId == "video00#0"); // begins in the sound one
        Assert.Contains(damaged, d => d.ClipId == "video00#1");
        Assert.DoesNotContain(seen, s => s.Clip == "video00#1");
        Assert.Contains(seen, s => s.Clip == "video00#0");
    }

    [Fact]
    public async Task ReadAsync_ClipsThatAreNoSegments_AreTheSameByVideoAndByClip()
    {
        var options = FakeClips.Options;
        Assert.Equal(
            await SampleTrace.ReadAsync(new FakeClips(23), options, 0, 20),
            await SampleTrace.ReadAsync(new FakeClips(23), options with { Sample = SampleUnit.PerVideo }, 0, 20));
    }

    [Fact]
    public void Constructor_FewerVideosThanABatch_SaysVideos()
    {
        var error = Assert.Throws<UsageException>(() => new ClipFeed(FakeVideos.Of([9, 9, 9]), Options));
        Assert.Contains("the data set has 3 videos, fewer than one global batch of 4", error.Message, StringComparison.Ordinal);
        Assert.Contains("visit clips", Assert.Throws<UsageException>(() => new ClipFeed(FakeVideos.Of([9, 9, 9, 9]), Options with { LocalFrom = LocalFrom.Clip })).Message, StringComparison.Ordinal);
    }

    private static WindowPlan[] Draw(FakeClips clips, FeedOptions options)
    {
        WindowReader windows = new(clips, options.Mel);
        var video = new Recordings(clips, SampleUnit.PerVideo).Of(0);
        return [.. Enumerable.Range(0, Draws).Select(p => WindowPlan.Draw(new SampleKey(1, 0, p), video, options, windows))];
    }

    // The cached frame whose middle is nearest to the window's, whichever segment it is of.
    private static Half[] OfSpectrograms(WindowPlan plan, int view)
    {
        int frames = view == 0 ? 20 : 7, cached = (FakeVideos.Samples / 60) + 1;
        var values = new Half[FakeClips.Mels * frames];
        Array.Fill(values, (Half)Math.Log(FakeClips.Options.Mel.LogEpsilon + FakeClips.Options.Mel.PowerEpsilon));
        for (var f = 0; f < frames; f++)
        {
            var sample = plan.Audio[view] + (f * 60);
            (int Segment, int Frame)[] all = [.. Enumerable.Range(0, plan.Stretch.Count).SelectMany(s => Enumerable.Range(0, cached).Select(c => (s, c)))];
            (var segment, var frame) = all.MinBy(a => Math.Abs((a.Segment * FakeVideos.Samples) + (a.Frame * 60) - sample));
            for (var band = 0; band < FakeClips.Mels && Math.Abs((segment * FakeVideos.Samples) + (frame * 60) - sample) <= 30; band++)
            {
                values[(band * frames) + f] = (Half)FakeClips.LogMel(plan.Stretch[segment].Row, band, frame);
            }
        }

        return values;
    }

    private static Half[] OfWaveform(FakeClips clips, WindowPlan plan, int view, FeedOptions options)
    {
        var frames = view == 0 ? 20 : 7;
        float[] wave = new float[view == 0 ? 1140 : 360], mel = new float[FakeClips.Mels * frames];
        var all = new short[plan.Stretch.Count * FakeVideos.Samples];
        for (var s = 0; s < plan.Stretch.Count; s++)
        {
            clips.ReadPcm(plan.Stretch[s], all.AsSpan(s * FakeVideos.Samples, FakeVideos.Samples));
        }

        for (var i = 0; i < wave.Length; i++)
        {
            wave[i] = plan.Audio[view] + i < all.Length ? all[plan.Audio[view] + i] / 32768f : 0;
        }

        new SimdLogMel(options.Mel).Compute(wave, mel);
        return Array.ConvertAll(mel, v => (Half)v);
    }
}
