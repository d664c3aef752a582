namespace Xkd.Pipeline.Tests;

/// <summary>Draws of which every outcome must be as likely.</summary>
internal static class Uniformity
{
    /// <summary>
    /// Values 0 … places - 1, each as likely: chi-square has places - 1 degrees of freedom, a mean of as many and a deviation of sqrt(2 (places - 1)). Six of
    /// them: its tail, of an exponential kind, is below 1e-5 even for few places.
    /// </summary>
    public static void Require(IEnumerable<int> values, int places)
    {
        var counts = new int[places];
        var all = 0;
        foreach (var value in values)
        {
            Assert.InRange(value, 0, places - 1);
            counts[value]++;
            all++;
        }

        Assert.All(counts, count => Assert.True(count > 0)); // at 14 draws a place, the fewest here, all 1,441 are met in 998 of 1,000 runs
        var expected = (double)all / places;
        var chi = counts.Sum(c => (c - expected) * (c - expected) / expected);
        Assert.InRange(chi, 0, places - 1 + (6 * Math.Sqrt(2.0 * Math.Max(1, places - 1))));
    }
}
