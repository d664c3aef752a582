using SkiaSharp;
using Xkd.Experiments.AvDigits;
using Xkd.Ingest;
using Xkd.Storage;

namespace Xkd.Cli.Tests.Experiments;

public sealed class DigitCorpusTests(DigitSources sources) : IClassFixture<DigitSources>
{
    private DigitCorpusOptions Options => new() { Mnist = sources.Mnist, Fsdd = sources.Fsdd, TrainPerClass = 2, ValidationPerClass = 1 };

    [Fact]
    public async Task Generate_TwoFolders_MakesTheSameBytesInBothAndNothingTwice()
    {
        (var first, var second) = (sources["first"], sources["second"]);
        DigitCorpus corpus = new(FfmpegTools.Locate());
        Assert.Equal(30, await corpus.GenerateAsync(first, Options, null, TestContext.Current.CancellationToken));
        Assert.Equal(30, await corpus.GenerateAsync(second, Options, null, TestContext.Current.CancellationToken));
        Assert.Equal(0, await corpus.GenerateAsync(first, Options, null, TestContext.Current.CancellationToken));
        string[] made = [.. Directory.EnumerateFiles(first, "*.mp4", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(first, f)).Order(StringComparer.Ordinal)];
        Assert.Equal(30, made.Length);
        Assert.Contains(Path.Combine("val", "digit_9", "9_val_0000.mp4"), made);
        Assert.All(made, file => Assert.Equal(File.ReadAllBytes(Path.Combine(first, file)), File.ReadAllBytes(Path.Combine(second, file))));
    }

    [Fact]
    public async Task Generate_FolderOfAnotherSeed_IsRefused()
    {
        var root = sources["claimed"];
        var one = Options with { TrainPerClass = 1 };
        await new DigitCorpus(FfmpegTools.Locate()).GenerateAsync(root, one, null, TestContext.Current.CancellationToken);
        var refused = await Assert.ThrowsAsync<UsageException>(() =>
            new DigitCorpus(FfmpegTools.Locate()).GenerateAsync(root, one with { Seed = 7 }, null, TestContext.Current.CancellationToken));
        Assert.Contains(root, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Splits_ShareNothing()
    {
        Assert.All(Enumerable.Range(0, 10), digit =>
        {
            Assert.All(DigitImages.Read(sources.Mnist, validation: false).Of(digit), image => Assert.Equal(200, image.Max()));
            Assert.All(DigitImages.Read(sources.Mnist, validation: true).Of(digit), image => Assert.Equal(255, image.Max()));
            Assert.Equal(2, SpokenDigits.Read(sources.Fsdd, validation: false).Of(digit).Sum(s => s.Count));
            Assert.Equal(2, SpokenDigits.Read(sources.Fsdd, validation: true).Of(digit).Sum(s => s.Count));
        });
    }

    [Fact]
    public void Read_PicturesByDigit_AreTheSameImages()
    {
        var root = sources["pictures"];
        var images = DigitImages.Read(sources.Mnist, validation: false);
        foreach (var digit in Enumerable.Range(0, 10))
        {
            var folder = Directory.CreateDirectory(Path.Combine(root, "training", $"{digit}")).FullName;
            foreach ((var index, var image) in images.Of(digit).Index())
            {
                using SKBitmap picture = new(DigitImages.Side, DigitImages.Side);
                picture.Pixels = [.. image.Select(v => new SKColor(v, v, v))];
                using var png = picture.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(Path.Combine(folder, $"{index}.png"), png.ToArray());
            }
        }

        var read = DigitImages.Read(root, validation: false);
        Assert.All(Enumerable.Range(0, 10), digit => Assert.Equal(images.Of(digit), read.Of(digit)));
        Assert.Contains("t10k-images", Assert.Throws<UsageException>(() => DigitImages.Read(root, validation: true)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "no RIFF")]
    [InlineData(5, "middle of a chunk")]
    [InlineData(1, "44100 Hz")]
    public void ReadWave_Damaged_NamesFileAndFault(int fault, string named)
    {
        var file = sources["wrong.wav"];
        var wave = DigitSources.Wave(fault == 1 ? 44100 : 8000, new short[100]);
        File.WriteAllBytes(file, fault == 0 ? wave[1..] : wave[..^fault]);
        var failure = Assert.Throws<FailureException>(() => WaveFile.ReadMono16(file, SpokenDigits.SampleRate));
        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }
}
