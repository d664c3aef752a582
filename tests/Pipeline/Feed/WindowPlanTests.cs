namespace Xkd.Pipeline.Tests;

public sealed class WindowPlanTests
{
    private const int Draws = 20_000;
    private static readonly FeedOptions Options = FakeClips.Options;

    // The released geometry: 32 frames at 8 fps and 64,000 samples, of which local views show 8 frames and 16,000 samples.
    private static readonly FeedOptions Released = new() { LocalVideoViews = 3, LocalAudioViews = 3 };

    [Theory]
    [InlineData(LocalFrom.Window)]
    [InlineData(LocalFrom.Clip)]
    public void Draw_TenSecondClip_LocalStartsAreEquallyLikelyAndOnlyThoseOfTheOption(LocalFrom from)
    {
        var plans = Draw(new FakeClips(1, frames: _ => 80, samples: _ => 160_000), Released with { LocalFrom = from });
        var window = from == LocalFrom.Window;
        for (var view = 1; view <= 3; view++)
        {
            Uniformity.Require(plans.Select(p => p.Video[view] - (window ? p.Video[0] : 0)), window ? 25 : 73);
            Uniformity.Require(plans.Select(p => Hundreds(p.Audio[view] - (window ? p.Audio[0] : 0))), window ? 481 : 1441);
        }

        Assert.Equal(window, plans.All(Inside));
    }

    [Fact]
    public void Draw_CachedSpectrogram_LocalAudioBeginsAtEveryFrameOfTheWindow()
    {
        // The mel grid: frames of 143 samples, 337 of them where a waveform has 481 places of 100.
        var plans = Draw(new FakeClips(1, frames: _ => 80, melFrames: _ => 1119), Released);
        for (var view = 1; view <= 3; view++)
        {
            Assert.All(plans, p => Assert.Equal(0, (p.Audio[view] - p.Audio[0]) % 143));
            Uniformity.Require(plans.Select(p => (p.Audio[view] - p.Audio[0]) / 143), 337);
        }
    }

    [Fact]
    public void Draw_GlobalAndLocalStarts_AreIndependentOfEachOther()
    {
        var plans = Draw(new FakeClips(1, frames: _ => 80, samples: _ => 160_000), Released);
        Func<WindowPlan, double>[] starts =
        [
            p => p.Video[0], p => p.Video[1] - p.Video[0], p => p.Video[2] - p.Video[0], p => p.Video[3] - p.Video[0],
            p => p.Audio[1] - p.Audio[0], p => p.Audio[2] - p.Audio[0], p => p.Audio[3] - p.Audio[0],
        ];
        for (var i = 0; i < starts.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                // The correlation of independent draws has a deviation of 1 / sqrt(n); 21 pairs, five deviations.
                Assert.InRange(Correlation([.. plans.Select(starts[i])], [.. plans.Select(starts[j])]), -5 / Math.Sqrt(Draws), 5 / Math.Sqrt(Draws));
            }
        }
    }

    [Fact]
    public void Uniform_OneStartTwiceAsLikely_IsSeen()
    {
        int[] fair = [.. Enumerable.Range(0, Draws).Select(i => new SampleRandom(new SampleKey(1, 0, i), SamplePurpose.Window).NextInt(25))];
        Uniformity.Require(fair, 25);
        Assert.ThrowsAny<Exception>(() => Uniformity.Require(fair.Select((v, i) => i % 25 == 0 ? 24 : v), 25)); // one draw in 25 moved to the last start
        Assert.ThrowsAny<Exception>(() => Uniformity.Require(fair.Select(v => v == 3 ? 25 : v), 25));
        Assert.ThrowsAny<Exception>(() => Uniformity.Require(fair, 26));
    }

    [Fact]
    public void Draw_ManyKeys_ReachesEveryStartAndNoOther()
    {
        var plans = Draw(new FakeClips(1, frames: _ => 12, melFrames: _ => 50), Options);
        Assert.Equal(Enumerable.Range(0, 7), plans.Select(p => p.Video[0]).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, 4), plans.Select(p => p.Video[1] - p.Video[0]).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, 14).Select(frame => frame * 60), plans.Select(p => p.Audio[1] - p.Audio[0]).Distinct().Order());
        Assert.Contains(plans, p => p.Video[1] != p.Video[2]);
    }

    [Fact]
    public void Draw_GlobalAudio_BeginsWithTheVideoWindow()
    {
        Assert.All(Draw(new FakeClips(1), Options), plan => Assert.Equal(60 * Math.Round(plan.Video[0] / 8.0 * 1600 / 60, MidpointRounding.AwayFromZero), plan.Audio[0]));
        Assert.All(Draw(new FakeClips(1, frames: _ => 20, samples: _ => 4000), Options), plan => Assert.Equal(plan.Video[0] * 200, plan.Audio[0]));
    }

    [Theory]
    [InlineData(20, 30_000)] // 2.5 s of picture, 1.9 s of sound
    [InlineData(40, 20_000)] // sound that ends before most windows begin
    [InlineData(5, 9_000)] // less than a local view of either
    public void Draw_WindowThatTheClipDoesNotFill_CutsLocalViewsOutOfWhatItFills(int frames, int samples)
    {
        var plans = Draw(new FakeClips(1, frames: _ => frames, samples: _ => samples), Released);
        foreach (var plan in plans)
        {
            for (var view = 1; view <= 3; view++)
            {
                var lastFrame = Math.Max(0, Math.Min(32, frames) - 8);
                var filled = Math.Max(0, Math.Min(64_000, samples - plan.Audio[0]));
                Assert.InRange(plan.Video[view] - plan.Video[0], 0, lastFrame);
                Assert.InRange(plan.Audio[view] - plan.Audio[0], 0, Math.Max(0, filled - 16_000));
            }
        }

        var places = Math.Max(0, Math.Min(32, frames) - 8) + 1;
        Uniformity.Require(plans.Select(p => p.Video[2] - p.Video[0]), places);
    }

    [Fact]
    public void Draw_ClipShorterThanEveryWindow_BeginsAtItsStart()
    {
        Assert.All(Draw(new FakeClips(1, frames: _ => 2, melFrames: _ => 3), Options), plan => Assert.All(plan.Video.Concat(plan.Audio), start => Assert.Equal(0, start)));
    }

    [Fact]
    public void Draw_MoreLocalViewsOrAnotherSource_LeavesTheOthersWhereTheyWere()
    {
        FakeClips clips = new(1);
        WindowReader windows = new(clips, Options.Mel);
        SampleKey key = new(1, 2, 3);
        var few = WindowPlan.Draw(key, [Stretch.Of(clips.Clips[0])], Options, windows);
        var more = WindowPlan.Draw(key, [Stretch.Of(clips.Clips[0])], Options with { LocalVideoViews = 3, LocalAudioViews = 2 }, windows);
        Assert.Equal(few.Video, more.Video[..3]);
        Assert.Equal(few.Audio, more.Audio[..2]);
        var clip = WindowPlan.Draw(key, [Stretch.Of(clips.Clips[0])], Options with { LocalFrom = LocalFrom.Clip }, windows);
        Assert.Equal((few.Video[0], few.Audio[0]), (clip.Video[0], clip.Audio[0]));
    }

    private static WindowPlan[] Draw(FakeClips clips, FeedOptions options)
    {
        WindowReader windows = new(clips, options.Mel);
        return [.. Enumerable.Range(0, Draws).Select(p => WindowPlan.Draw(new SampleKey(1, 0, p), [Stretch.Of(clips.Clips[0])], options, windows))];
    }

    // The released geometry in a clip with its waveform.
    private static bool Inside(WindowPlan plan) => plan.Video[1..].All(v => v >= plan.Video[0] && v + 8 <= plan.Video[0] + 32)
        && plan.Audio[1..].All(a => a >= plan.Audio[0] && a + 16_000 <= plan.Audio[0] + 64_000);

    private static int Hundreds(int samples)
    {
        Assert.Equal(0, samples % 100);
        return samples / 100;
    }

    private static double Correlation(double[] a, double[] b)
    {
        (var meanA, var meanB) = (a.Average(), b.Average());
        double Sum(Func<int, double> of) => Enumerable.Range(0, a.Length).Sum(of);
        return Sum(i => (a[i] - meanA) * (b[i] - meanB)) / Math.Sqrt(Sum(i => Math.Pow(a[i] - meanA, 2)) * Sum(i => Math.Pow(b[i] - meanB, 2)));
    }
}
