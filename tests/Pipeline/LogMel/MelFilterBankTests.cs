namespace Xkd.Pipeline.Tests;

public sealed class MelFilterBankTests
{
    [Fact]
    public void ToMatrix_DefaultBank_HasUnitAreaPerBand()
    {
        var bank = new MelFilterBank(new LogMelOptions());
        var matrix = bank.ToMatrix();
        var hertzPerBin = 16000.0 / 1024;
        // The sampled triangle's area is near one where a band is many bins wide.
        for (var band = 50; band < 80; band++)
        {
            Assert.Equal(1, matrix.Skip(band * bank.Bins).Take(bank.Bins).Sum(weight => weight * hertzPerBin), 0.02);
        }
    }

    [Fact]
    public void ToMatrix_BandNarrowerThanABin_IsEmpty()
    {
        var bank = new MelFilterBank(new LogMelOptions { NFft = 64, Mels = 80 });
        Assert.Contains(Enumerable.Range(0, 80), band => bank.ToMatrix().Skip(band * bank.Bins).Take(bank.Bins).All(weight => weight == 0));
    }

    [Fact]
    public void Prepare_StereoLongAndShort_AveragesThenCutsOrFills()
    {
        float[] stereo = [1, 2, 3, 5, 6, 7];
        float[] cut = new float[2], filled = new float[5];
        Waveform.Prepare(stereo, 2, cut);
        Waveform.Prepare(stereo, 2, filled);
        Assert.Equal([3, 4], cut);
        Assert.Equal([3, 4, 5, 0, 0], filled);
        Assert.Equal(160, Waveform.Samples(0.01, 16000));
    }
}
