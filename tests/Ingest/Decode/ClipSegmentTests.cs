namespace Xkd.Ingest.Tests;

public sealed class ClipSegmentTests
{
    [Theory]
    [InlineData(480, 60, true)]
    [InlineData(0, 9 * 3600, true)]
    [InlineData(0, 10 * 3600, false)]
    [InlineData(60_000, 60, false)]
    public void Fits_FramesOrSamplesBeyondAnArray_IsFalse(int frames, int seconds, bool fits) =>
        Assert.Equal(fits, new ClipSegment(0, 0, seconds, 0, frames, 0, seconds * 16000).Fits(148 * 112 * 3));

    [Theory]
    [InlineData(80, 160000, 1)] // 10 s
    [InlineData(480, 960600, 1)] // 60 s and a little sound
    [InlineData(481, 962000, 1)] // less than a second over
    [InlineData(488, 976000, 2)]
    [InlineData(1440, 2880000, 3)]
    [InlineData(0, 1920000, 2)] // sound alone
    [InlineData(960, 0, 2)] // picture alone
    public void Cut_OfASource_GivesThatManySegments(int frames, long samples, int expected)
    {
        var segments = ClipSegment.Cut(frames, 8, samples, 16000, 60);

        Assert.Equal(expected, segments.Count);
        Assert.All(segments, static segment => Assert.InRange(segment.Duration, 0.1, 60.001));
    }

    [Fact]
    public void Cut_LongSource_PartsFollowEachOtherWithoutGaps()
    {
        var segments = ClipSegment.Cut(100, 8, 200_000, 16000, 5);

        Assert.Equal([0, 40, 80], segments.Select(static segment => segment.FirstFrame));
        Assert.Equal([40, 40, 20], segments.Select(static segment => segment.NumFrames));
        Assert.Equal([0L, 80_000, 160_000], segments.Select(static segment => segment.FirstSample));
        Assert.Equal([80_000, 80_000, 40_000], segments.Select(static segment => segment.NumSamples));
        Assert.Equal([0.0, 5, 10], segments.Select(static segment => segment.Start));
    }

    [Theory]
    [InlineData(496, 944_000, 8, 496, 992_000)] // 62 s of picture, 59 s of sound
    [InlineData(472, 992_000, 8, 496, 992_000)] // 59 s of picture, 62 s of sound
    [InlineData(496, 976_000, 8, 496, 976_000)] // the second segment has some
    [InlineData(480, 944_000, 8, 480, 944_000)] // there is no second segment
    [InlineData(485, 944_000, 8, 485, 944_000)] // nor here
    [InlineData(1444, 16_000, 8, 1444, 2_880_000)] // what is left out needs no sound
    [InlineData(8, 2_888_000, 8, 1440, 2_888_000)]
    [InlineData(100, 976_000, 8.4, 513, 976_000)] // a last second must be a segment of frames too
    [InlineData(100, 1_919_999, 29.97, 3596, 1_919_999)]
    public void Filled_OneEndsBeforeTheOther_LeavesNoSegmentWithoutEither(int frames, long samples, double fps, int filledFrames, long filledSamples)
    {
        var filled = ClipSegment.Filled(frames, fps, samples, 16000, 60);
        Assert.Equal((filledFrames, filledSamples), filled);

        var segments = ClipSegment.Cut(filled.Frames, fps, filled.Samples, 16000, 60);
        Assert.True(segments.Count >= ClipSegment.Cut(0, fps, samples, 16000, 60).Count || filled.Frames == frames);
        Assert.All(segments, static segment => Assert.True(segment is { NumFrames: > 0, NumSamples: > 0 }));
    }
}
