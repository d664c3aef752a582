namespace Xkd.Pipeline.Tests;

public sealed class SpectrogramAxesTests
{
    [Fact]
    public void Frequencies_OfTones_AreTheBandsThatTheyAreLoudestIn()
    {
        LogMelOptions options = new();
        SimdLogMel kernel = new(options);
        foreach ((var band, var text) in new SpectrogramAxes(0, 1, options.SampleRate).Frequencies(options.Mels))
        {
            var hertz = double.Parse(text.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)
                * (text.EndsWith("kHz", StringComparison.Ordinal) ? 1000 : 1);
            float[] tone = [.. Enumerable.Range(0, 16000).Select(i => (float)Math.Sin(2 * Math.PI * hertz * i / options.SampleRate))];
            var mel = new float[options.Mels * kernel.Frames(tone.Length)];
            kernel.Compute(tone, mel);
            var middle = kernel.Frames(tone.Length) / 2;
            var loudest = Enumerable.Range(0, options.Mels).MaxBy(m => mel[(m * kernel.Frames(tone.Length)) + middle]);
            Assert.InRange(band, loudest - 0.6, loudest + 0.6);
        }
    }

    [Fact]
    public void Times_OfASegment_AreRoundAndCountFromTheRecordingsStart()
    {
        var axes = new SpectrogramAxes(Start: 60.25, ColumnSeconds: 0.01, SampleRate: 16000);
        Assert.Equal([("60.5 s", 25), ("61 s", 75), ("61.5 s", 125)], axes.Times(columns: 150, apart: 30).Select(t => (t.Text, (int)Math.Round(t.Column))));
    }

    [Fact]
    public void Spectrogram_WithAxes_IsLargerByTheirNames()
    {
        var mel = new float[80 * 100];
        byte[] bare = FramePictures.Spectrogram(mel, 80, 100), named = FramePictures.Spectrogram(mel, 80, 100, axes: new SpectrogramAxes(0, 0.01, 16000));
        Assert.Equal((200, 160), Size(bare));
        Assert.Equal((278, 178), Size(named));
    }

    private static (int Width, int Height) Size(byte[] png) => ((png[18] << 8) | png[19], (png[22] << 8) | png[23]);
}
