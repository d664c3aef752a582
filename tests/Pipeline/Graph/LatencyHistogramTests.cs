namespace Xkd.Pipeline.Tests;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Quantiles_OfKnownDurations_AreWithinABucket()
    {
        LatencyHistogram histogram = new();
        for (var i = 1; i <= 1000; i++)
        {
            histogram.Add(TimeSpan.FromMilliseconds(i));
        }

        Assert.Equal(1000, histogram.Count);
        Assert.Equal(500.5, histogram.MeanMs, 3);
        Assert.InRange(histogram.QuantileMs(0.5), 500 * 0.93, 500 * 1.07);
        Assert.InRange(histogram.QuantileMs(0.99), 990 * 0.93, 990 * 1.07);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(1000)]
    [InlineData(123456)]
    [InlineData(7_200_000_000)]
    public void Quantile_OfOneDuration_IsThatDuration(long microseconds)
    {
        LatencyHistogram histogram = new();
        histogram.Add(TimeSpan.FromMicroseconds(microseconds));
        Assert.InRange(histogram.QuantileMs(0.99), microseconds * 0.93 / 1000, ((microseconds * 1.07) + 1) / 1000);
    }

    [Fact]
    public void Quantile_WithoutItems_IsZero() => Assert.Equal(0, new LatencyHistogram().QuantileMs(0.5));
}
