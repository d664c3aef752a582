namespace Xkd.Pipeline.Tests;

public sealed class WindowPlanTests
{
    private static readonly FeedOptions Options = FakeClips.Options;

    [Fact]
    public void Draw_ManyKeys_ReachesEveryStartAndNoOther()
    {
        FakeClips clips = new(1, frames: _ => 12, melFrames: _ => 50);
        WindowReader windows = new(clips, Options.Mel);
        WindowPlan[] plans = [.. Enumerable.Range(0, 2000).Select(p => WindowPlan.Draw(new SampleKey(1, 0, p), clips.Clips[0], Options, windows))];
        Assert.Equal(Enumerable.Range(0, 7), plans.Select(p => p.Video[0]).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, 10), plans.Select(p => p.Video[1]).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, 44).Select(frame => frame * 60), plans.Select(p => p.Audio[1]).Distinct().Order());
        Assert.Contains(plans, p => p.Video[1] != p.Video[2]);
    }

    [Fact]
    public void Draw_GlobalAudio_BeginsWithTheVideoWindow()
    {
        FakeClips clips = new(1);
        WindowReader windows = new(clips, Options.Mel);
        for (int position = 0; position < 50; position++)
        {
            WindowPlan plan = WindowPlan.Draw(new SampleKey(1, 0, position), clips.Clips[0], Options, windows);
            Assert.Equal(60 * Math.Round(plan.Video[0] / 8.0 * 1600 / 60, MidpointRounding.AwayFromZero), plan.Audio[0]);
        }
    }

    [Fact]
    public void Draw_Waveform_BeginsAtTheVideosSampleAndLocalViewsAtHundreds()
    {
        FakeClips clips = new(1, frames: _ => 20, samples: _ => 4000);
        WindowReader windows = new(clips, Options.Mel);
        WindowPlan[] plans = [.. Enumerable.Range(0, 1000).Select(p => WindowPlan.Draw(new SampleKey(1, 0, p), clips.Clips[0], Options, windows))];
        Assert.All(plans, plan => Assert.Equal(plan.Video[0] * 200, plan.Audio[0]));

        // A local view of 7 frames at hop 60 takes 360 samples: the last place is at 3,600 of 4,000.
        Assert.Equal(Enumerable.Range(0, 37).Select(step => step * 100), plans.Select(p => p.Audio[1]).Distinct().Order());
    }

    [Fact]
    public void Draw_ClipShorterThanEveryWindow_BeginsAtItsStart()
    {
        FakeClips clips = new(1, frames: _ => 2, melFrames: _ => 3);
        WindowPlan plan = WindowPlan.Draw(new SampleKey(1, 0, 7), clips.Clips[0], Options, new WindowReader(clips, Options.Mel));
        Assert.All(plan.Video.Concat(plan.Audio), start => Assert.Equal(0, start));
    }

    [Fact]
    public void Draw_MoreLocalViews_LeavesTheOthersWhereTheyWere()
    {
        FakeClips clips = new(1);
        WindowReader windows = new(clips, Options.Mel);
        SampleKey key = new(1, 2, 3);
        WindowPlan few = WindowPlan.Draw(key, clips.Clips[0], Options, windows);
        WindowPlan more = WindowPlan.Draw(key, clips.Clips[0], Options with { LocalVideoViews = 3, LocalAudioViews = 2 }, windows);
        Assert.Equal(few.Video, more.Video[..3]);
        Assert.Equal(few.Audio, more.Audio[..2]);
    }
}
