using Xkd.Decoder;
using Xkd.Decoder.Libav;

namespace Xkd.Ingest.Tests;

/// <summary>Frames that are left out are the ones that a change of rate would not show.</summary>
public sealed class FrameSelectionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void IsSeen_RandomTimes_AreThoseThatTheChangedRateShows(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            long[] times = [.. Enumerable.Range(0, random.Next(1, 80)).Select(_ => (long)random.Next(-50, 1000)).Distinct().Order()];
            var selection = new FrameSelection(times.OrderBy(_ => random.Next()), Slot);

            var shown = Enumerable.Range(0, (int)Math.Max(0, Slot(times[^1])) + 1)
                .Select(slot => times.Where(time => Slot(time) <= slot).DefaultIfEmpty(times[0]).Last());
            Assert.All(shown, time => Assert.True(selection.IsSeen(time), $"{time} of {string.Join(' ', times)}"));
            Assert.InRange(times.Count(selection.IsSeen), 1, times.Select(Slot).Distinct().Count() + 1); // no more than a frame a slot, and the first
        }

        static long Slot(long time) => (long)Math.Ceiling(time * 8 / 100.0);
    }

    [Fact]
    public void Constructor_OneTimeTwice_IsRefused() =>
        Assert.Throws<RefusedException>(static () => new FrameSelection([1, 2, 2, 3], static time => time));

    [Fact]
    public void IsSeen_TimeOfNoFrame_IsRefused() =>
        Assert.Throws<RefusedException>(static () => new FrameSelection([1, 3], static time => time).IsSeen(2));
}
