namespace Xkd.Ingest.Tests;

public sealed class ClipSegmentTests
{
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
}
