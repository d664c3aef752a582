using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class MelBackendsTests
{
    [Theory]
    [InlineData(64000)]
    [InlineData(16000)]
    [InlineData(700)] // mirrored more than once
    [InlineData(1)]
    public void Create_EveryBackend_AgreesWithTheKernel(int samples)
    {
        var options = new LogMelOptions();
        var random = new Random(3);
        float[] wave = [.. Enumerable.Range(0, samples).Select(i => (float)((0.3 * Math.Sin(i * 0.05 * (1 + (i / 64000.0)))) + ((random.NextDouble() - 0.5) * 0.01)))];
        var kernel = new SimdLogMel(options);
        var expected = new float[options.Mels * kernel.Frames(samples)];
        kernel.Compute(wave, expected);
        foreach (var name in MelBackends.Names)
        {
            var backend = MelBackends.Create(name, options);
            var found = new float[options.Mels * backend.Frames(samples)];
            backend.Compute(wave, found);
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        }
    }

    [Fact]
    public void Create_EveryName_IsABackendOfItsOwn() =>
        Assert.Equal([typeof(SimdLogMel), typeof(NWavesLogMel)], MelBackends.Names.Select(name => MelBackends.Create(name, new LogMelOptions()).GetType()));

    [Fact]
    public void Create_UnknownName_NamesTheKnownOnes() =>
        Assert.Contains("simd or nwaves", Assert.Throws<UsageException>(() => MelBackends.Create("other", new LogMelOptions())).Message, StringComparison.Ordinal);

    [Fact]
    public void Create_NWavesWithoutAPowerOfTwo_NamesTheSize() =>
        Assert.Contains("n_fft is 400", Assert.Throws<UsageException>(() => MelBackends.Create(MelBackends.NWaves, new LogMelOptions { NFft = 400 })).Message, StringComparison.Ordinal);
}
