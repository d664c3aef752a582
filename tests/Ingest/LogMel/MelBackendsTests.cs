using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest.Tests;

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
        var wave = Enumerable.Range(0, samples).Select(i => (float)((0.3 * Math.Sin(i * 0.05 * (1 + (i / 64000.0)))) + ((random.NextDouble() - 0.5) * 0.01))).ToArray();
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
    public void Create_NotInThisBuild_NamesTheBuildPropertyOrTheNames()
    {
        if (!MelBackends.Names.Contains(MelBackends.NWaves))
        {
            Assert.Contains("-p:NWaves=true", Assert.Throws<UsageException>(() => MelBackends.Create(MelBackends.NWaves, new LogMelOptions())).Message, StringComparison.Ordinal);
        }

        Assert.Contains("simd", Assert.Throws<UsageException>(() => MelBackends.Create("other", new LogMelOptions())).Message, StringComparison.Ordinal);
    }
}
