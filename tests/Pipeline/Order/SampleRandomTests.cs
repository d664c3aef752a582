namespace Xkd.Pipeline.Tests;

public sealed class SampleRandomTests
{
    private static readonly SampleKey Key = new(42, 3, 1234);

    [Fact]
    public void Stream_OfAKey_NeverChanges()
    {
        // Pinned: a change here silently changes what every resumed run would see.
        SampleRandom random = new(Key, SamplePurpose.Window);
        Assert.Equal(Pinned, new[] { random.NextUInt64(), random.NextUInt64(), random.NextUInt64() });
    }

    [Fact]
    public void Stream_AnyPartOfTheKeyChanged_IsAnother()
    {
        ulong[] first =
        [
            Draw(Key, SamplePurpose.Window, 0), Draw(Key with { Seed = 43 }, SamplePurpose.Window, 0), Draw(Key with { Epoch = 4 }, SamplePurpose.Window, 0),
            Draw(Key with { Position = 1235 }, SamplePurpose.Window, 0), Draw(Key, SamplePurpose.VideoCrop, 0), Draw(Key, SamplePurpose.Window, 1),
            Draw(new SampleKey(3, 42, 1234), SamplePurpose.Window, 0), Draw(new SampleKey(42, 1234, 3), SamplePurpose.Window, 0),
        ];
        Assert.Equal(first.Length, first.Distinct().Count());
    }

    [Fact]
    public void Uniform_AcrossPositions_HasUniformMomentsAndRange()
    {
        double[] draws = [.. Enumerable.Range(0, 20000).Select(p => new SampleRandom(new SampleKey(1, 0, p), SamplePurpose.Window).Uniform())];
        Assert.All(draws, d => Assert.InRange(d, 0, 1 - 1e-16));
        Assert.InRange(draws.Average(), 0.49, 0.51);
        Assert.InRange(draws.Average(d => d * d), (1 / 3.0) - 0.012, (1 / 3.0) + 0.012);
        Assert.InRange(draws.Zip(draws.Skip(1)).Average(p => (p.First - 0.5) * (p.Second - 0.5)), -0.004, 0.004);
    }

    [Fact]
    public void Normal_ManyDraws_HasNormalMoments()
    {
        SampleRandom random = new(Key, SamplePurpose.Mixing);
        var draws = new double[40000];
        for (var i = 0; i < draws.Length; i++)
        {
            draws[i] = random.Normal();
        }

        Assert.InRange(draws.Average(), -0.03, 0.03);
        Assert.InRange(draws.Average(d => d * d), 0.96, 1.04);
        Assert.InRange(draws.Average(d => d * d * d * d), 2.75, 3.25);
    }

    [Fact]
    public void NextInt_ManyDraws_HitsEveryValueEqually()
    {
        SampleRandom random = new(Key, SamplePurpose.VideoCrop);
        var hits = new int[7];
        for (var i = 0; i < 14000; i++)
        {
            hits[random.NextInt(7)]++;
        }

        Assert.All(hits, h => Assert.InRange(h, 1750, 2250));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt(0));
    }

    [Fact]
    public void Fill_Floats_AreBelowOneAndRepeatable()
    {
        var one = new float[5000];
        var two = new float[5000];
        new SampleRandom(Key, SamplePurpose.VideoMaskNoise).Fill(one);
        new SampleRandom(Key, SamplePurpose.VideoMaskNoise).Fill(two);
        Assert.Equal(one, two);
        Assert.All(one, v => Assert.InRange(v, 0f, 0.99999994f));
        Assert.InRange(one.Distinct().Count(), 4990, 5000);
    }

    [Fact]
    public void Shuffle_OfThree_ReachesAllOrdersEqually()
    {
        Dictionary<string, int> seen = new(StringComparer.Ordinal);
        for (var position = 0; position < 6000; position++)
        {
            char[] letters = ['a', 'b', 'c'];
            new SampleRandom(new SampleKey(5, 0, position), SamplePurpose.VideoJitterOrder).Shuffle<char>(letters);
            string order = new(letters);
            seen[order] = seen.GetValueOrDefault(order) + 1;
        }

        Assert.Equal(6, seen.Count);
        Assert.All(seen.Values, count => Assert.InRange(count, 850, 1150));
    }

    private static readonly ulong[] Pinned = [0xDADC7988AD943BF8, 0x60F88D953BCCF466, 0xBB032102757280A0];

    private static ulong Draw(SampleKey key, SamplePurpose purpose, int index) => new SampleRandom(key, purpose, index).NextUInt64();
}
