using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>Sources that lack picture or sound, wholly or past some point, and long ones that are cut.</summary>
public sealed class IngestModalitiesTests : IDisposable
{
    private readonly JobFixture _fixture = new();

    private MediaMaker Media => _fixture.Media;

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(MissingPolicy.Pad, 230)]
    [InlineData(MissingPolicy.Keep, 0)]
    public async Task RunAsync_NoAudio_FollowsThePolicy(MissingPolicy policy, int melFrames)
    {
        Media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -c:v mpeg4 media/mute.mp4");
        await _fixture.RunAsync(_fixture.Options with { OnMissing = policy });
        var clip = Assert.Single(Cache.Open(_fixture.Out).Clips);

        Assert.Equal((16, melFrames), (clip.NumFrames, clip.MelFrames > 0 ? 230 : 0));
    }

    [Theory]
    [InlineData(MissingPolicy.Pad, 16)]
    [InlineData(MissingPolicy.Keep, 0)]
    public async Task RunAsync_NoVideo_FollowsThePolicy(MissingPolicy policy, int frames)
    {
        Media.Make("-f lavfi -i sine=duration=2 media/sound.wav");
        await _fixture.RunAsync(_fixture.Options with { OnMissing = policy });
        var clip = Assert.Single(Cache.Open(_fixture.Out).Clips);

        Assert.Equal(frames, clip.NumFrames);
        Assert.Equal(224, clip.MelFrames);
    }

    [Fact]
    public async Task RunAsync_AudioModality_TakesSoundAlone()
    {
        Media.Clip("media/a.mp4");
        await _fixture.RunAsync(_fixture.Options with { Modalities = Modalities.Audio });
        var clip = Assert.Single(Cache.Open(_fixture.Out).Clips);

        Assert.Equal(0, clip.NumFrames);
        Assert.InRange(clip.MelFrames, 220, 232);
    }

    [Fact]
    public async Task RunAsync_LongSource_IsCutIntoSegments()
    {
        Media.Clip("media/long.mp4", seconds: 7);
        var result = await _fixture.RunAsync(_fixture.Options with { MaxClip = 3 });

        Assert.Equal((1, 3), (result.Committed, result.Clips));
        var clips = Cache.Open(_fixture.Out).Clips;
        Assert.Equal(["long.mp4#0", "long.mp4#1", "long.mp4#2"], clips.Select(static clip => clip.Id));
        Assert.Equal([0.0, 3, 6], clips.Select(static clip => clip.Start));
        Assert.Equal([24, 24, 8], clips.Select(static clip => clip.NumFrames));
        Assert.Single(await _fixture.LedgerAsync());
    }

    [Theory]
    [InlineData(3.875, "the last 0.88 s, less than a segment of use, are left out")]
    [InlineData(6.5, "the last 0.50 s, less than a segment of use, are left out")]
    [InlineData(3, null)]
    [InlineData(2.5, null)]
    public async Task RunAsync_LessThanASecondOver_IsLeftOutWithAWarning(double seconds, string? warning)
    {
        Media.Clip("media/a.avi", seconds, extra: "-c:v mpeg4 -c:a pcm_s16le");
        await _fixture.RunAsync(_fixture.Options with { MaxClip = 3 });
        var entry = Assert.Single(await _fixture.LedgerAsync()).Value;

        Assert.Equal(warning is null ? [] : [warning], entry.Warnings);
    }

    [Theory]
    [InlineData(8, 5, MissingPolicy.Drop, "24/48000 24/32000", "the last 2.00 s of the picture, which have no sound, are left out; --on-missing pad or keep accepts them")]
    [InlineData(8, 5, MissingPolicy.Pad, "24/48000 24/48000 16/32000", "the sound ends after 5.00 s of 8.00 s: silence stands in")]
    [InlineData(8, 5, MissingPolicy.Keep, "24/48000 24/32000 16/0", null)]
    [InlineData(5, 8, MissingPolicy.Drop, "24/48000 16/48000", "the last 2.00 s of the sound, which have no picture, are left out; --on-missing pad accepts them")]
    [InlineData(5, 8, MissingPolicy.Pad, "24/48000 24/48000 16/32000", "the picture ends after 5.00 s of 8.00 s: black frames stand in")]
    [InlineData(2, 8, MissingPolicy.Drop, "16/48000", "the last 5.00 s of the sound, which have no picture, are left out; --on-missing pad accepts them")]
    [InlineData(8, 2, MissingPolicy.Drop, "24/32000", "the last 5.00 s of the picture, which have no sound, are left out; --on-missing pad or keep accepts them")]
    public async Task RunAsync_OneEndsSegmentsBeforeTheOther_FollowsThePolicy(int video, int audio, MissingPolicy policy, string expected, string? warning)
    {
        Media.Make($"-f lavfi -i testsrc2=size=64x48:rate=8:duration={video} -f lavfi -i sine=sample_rate=16000:duration={audio} -c:v mpeg4 -c:a pcm_s16le media/a.avi");
        await _fixture.RunAsync(_fixture.Options with { MaxClip = 3, OnMissing = policy, Audio = "pcm" });
        var cache = Cache.Open(_fixture.Out);
        var entry = Assert.Single(await _fixture.LedgerAsync()).Value;

        Assert.Equal(expected, string.Join(' ', cache.Clips.Select(static clip => $"{clip.NumFrames}/{clip.NumSamples}")));
        Assert.Equal(cache.Clips.Count == 1 ? ["a.avi"] : cache.Clips.Select(static (_, k) => $"a.avi#{k}"), cache.Clips.Select(static clip => clip.Id));
        Assert.Equal(warning is null ? [] : [warning], entry.Warnings.Where(static text => !text.StartsWith("video lasts", StringComparison.Ordinal)));
    }
}
