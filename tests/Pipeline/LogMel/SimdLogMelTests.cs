using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class SimdLogMelTests
{
    [Theory]
    [InlineData(8, 3, 1, 100)]
    [InlineData(16, 5, 2, 200)]
    [InlineData(64, 17, 8, 700)]
    [InlineData(256, 100, 20, 3000)]
    [InlineData(512, 143, 40, 2900)]
    [InlineData(1024, 143, 80, 4000)]
    [InlineData(2048, 143, 80, 4000)]
    [InlineData(4096, 300, 80, 5000)] // three passes over leaves of 16
    [InlineData(32, 10, 2, 300)]
    [InlineData(128, 30, 8, 900)]
    [InlineData(256, 400, 20, 3000)]
    [InlineData(10, 4, 1, 90)] // no power of two: all by definition, a leaf of 2·5
    [InlineData(36, 11, 2, 200)]
    [InlineData(96, 25, 6, 500)] // leaves of 6 under passes of four
    [InlineData(400, 160, 40, 3000)]
    [InlineData(1000, 250, 64, 4000)]
    [InlineData(1200, 300, 64, 4000)]
    public void Compute_AnyTransformAndHop_MatchesTheDefinitionInFloat64(int nFft, int hop, int mels, int length)
    {
        var options = new LogMelOptions { NFft = nFft, Hop = hop, Mels = mels };
        AssertClose(options, Noise(length, 7));
    }

    [Fact]
    public void Compute_OtherRateAndBandEdges_MatchesTheDefinition()
    {
        var options = new LogMelOptions { SampleRate = 22050, NFft = 512, Hop = 128, Mels = 32, FMin = 60, FMax = 7600 };
        AssertClose(options, Noise(2000, 3));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(100)]
    [InlineData(512)]
    [InlineData(513)]
    public void Compute_ShorterThanThePadding_MirrorsAsOftenAsNeeded(int length) =>
        AssertClose(new LogMelOptions(), Noise(length, 11));

    [Fact]
    public void Compute_LoudToneOverQuietBands_StaysNearFloat64()
    {
        var tone = new float[4000];
        for (var i = 0; i < tone.Length; i++)
        {
            tone[i] = (float)Math.Sin(2 * Math.PI * 440 * i / 16000.0);
        }
        AssertClose(new LogMelOptions(), tone);
    }

    [Fact]
    public void Compute_Silence_IsTheLogarithmOfEpsilon()
    {
        var kernel = new SimdLogMel(new LogMelOptions());
        var mel = new float[80 * 112];
        kernel.Compute(new float[16000], mel);
        Assert.All(mel, value => Assert.Equal(-15.942385, value, 1e-5)); // ten steps of float32, 2^-20 each at 16
    }

    [Fact]
    public void Compute_NoSamples_HasNoFrames()
    {
        var kernel = new SimdLogMel(new LogMelOptions());
        Assert.Equal(0, kernel.Frames(0));
        kernel.Compute([], []);
    }

    [Theory]
    [InlineData(64000, 448)]
    [InlineData(16000, 112)]
    [InlineData(142, 1)]
    [InlineData(143, 2)]
    public void Frames_OfSamples_CountsCentredFrames(int samples, int frames) =>
        Assert.Equal(frames, new SimdLogMel(new LogMelOptions()).Frames(samples));

    [Fact]
    public void Compute_WrongDestination_NamesBothSizes()
    {
        var error = Assert.Throws<ArgumentException>(() => new SimdLogMel(new LogMelOptions()).Compute(new float[16000], new float[80]));
        Assert.Contains("80 x 112", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1001, 143, 80, 0, 8000)]
    [InlineData(4, 143, 80, 0, 8000)]
    [InlineData(1024, 0, 80, 0, 8000)]
    [InlineData(1024, 143, 0, 0, 8000)]
    [InlineData(1024, 143, 80, -1, 8000)]
    [InlineData(1024, 143, 80, 0, 9000)]
    [InlineData(1024, 143, 80, 500, 500)]
    public void Constructor_OptionOutOfRange_IsAUsageError(int nFft, int hop, int mels, double fMin, double fMax) =>
        Assert.Throws<UsageException>(() => new SimdLogMel(new LogMelOptions { NFft = nFft, Hop = hop, Mels = mels, FMin = fMin, FMax = fMax }));

    [Fact]
    public void Compute_AfterWarmUp_AllocatesNothing()
    {
        var kernel = new SimdLogMel(new LogMelOptions());
        var samples = Noise(64000, 1);
        var mel = new float[80 * 448];
        kernel.Compute(samples, mel);

        // A collection begun by another thread counts what is left of this thread's allocation context as allocated, so the least
        // of several rounds is what the kernel allocates.
        var least = Enumerable.Range(0, 20).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 5; i++)
            {
                kernel.Compute(samples, mel);
            }
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.Equal(0, least);
    }

    [Fact]
    public void Compute_FromManyThreads_GivesEachItsOwnResult()
    {
        var kernel = new SimdLogMel(new LogMelOptions());
        float[][] waves = [.. Enumerable.Range(0, 16).Select(seed => Noise(5000, seed))];
        float[][] alone = [.. waves.Select(wave => Mel(kernel, wave))];
        var together = new float[waves.Length][];
        Parallel.For(0, waves.Length, i => together[i] = Mel(kernel, waves[i]));
        Assert.Equal(alone, together);
    }

    [Fact]
    public void Compute_EitherWidth_GivesTheSameBits()
    {
        // A lane is a frame: what happens in it does not depend on how many lie beside it, be they in hardware or not.
        var options = new LogMelOptions();
        foreach (var length in new[] { 1, 700, 16000, 64000 })
        {
            var samples = Noise(length, 5);
            Assert.Equal(Mel(new SimdLogMel(options, wide: false), samples), Mel(new SimdLogMel(options, wide: true), samples));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(3e38f)]
    public void Compute_OneSampleBeyondNumbers_SpoilsItsFramesOnly(float sample)
    {
        foreach (var wide in new[] { false, true })
        {
            var samples = Noise(16000, 2);
            var clean = Mel(new SimdLogMel(new LogMelOptions(), wide), samples);
            samples[8000] = sample;
            var spoiled = Mel(new SimdLogMel(new LogMelOptions(), wide), samples);
            for (var frame = 0; frame < 112; frame++)
            {
                var sees = Math.Abs(frame * 143 - 8000) < 512;
                Assert.Equal(!sees, spoiled[40 * 112 + frame].Equals(clean[40 * 112 + frame]));
                Assert.Equal(!sees, float.IsFinite(spoiled[40 * 112 + frame]));
            }
        }
    }

    [Fact]
    public void Compute_WithoutEpsilons_GivesTheLogarithmOfZeroAndOfTheSmallest()
    {
        var options = new LogMelOptions { PowerEpsilon = 0, LogEpsilon = 0 };
        Assert.All(Mel(new SimdLogMel(options), new float[2000]), value => Assert.Equal(float.NegativeInfinity, value));
        Assert.All(Mel(new SimdLogMel(options with { LogEpsilon = 1e-40 }), new float[2000]), value => Assert.Equal(Math.Log(1e-40), value, 1e-4));
    }

    private static void AssertClose(LogMelOptions options, float[] samples)
    {
        var expected = ReferenceLogMel.Compute(options, samples, out var errors);
        foreach (var wide in new[] { false, true })
        {
            var actual = Mel(new SimdLogMel(options, wide), samples);
            Assert.Equal(expected.Length, actual.Length);
            double worst = 0;
            for (var i = 0; i < actual.Length; i++)
            {
                worst = Math.Max(worst, Math.Abs(actual[i] - expected[i]) / errors[i]);
            }

            Assert.InRange(worst, 0, 1);
        }
    }

    private static float[] Mel(SimdLogMel kernel, float[] samples)
    {
        var mel = new float[kernel.Options.Mels * kernel.Frames(samples.Length)];
        kernel.Compute(samples, mel);
        return mel;
    }

    private static float[] Noise(int length, int seed)
    {
        var random = new Random(seed);
        var samples = new float[length];
        for (var i = 0; i < length; i++)
        {
            samples[i] = (float)(random.NextDouble() - 0.5);
        }
        return samples;
    }
}
