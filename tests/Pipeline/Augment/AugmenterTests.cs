namespace Xkd.Pipeline.Tests;

public sealed class AugmenterTests
{
    private const int Height = 56, Width = 75, Mels = 80;

    [Fact]
    public void VideoApply_FromManyThreads_GivesEachItsOwnResult()
    {
        var augmenter = new VideoAugmenter();
        var frames = new byte[4 * Height * Width * 3];
        new Random(4).NextBytes(frames);
        float[][] alone = [.. Enumerable.Range(0, 24).Select(One)];
        var together = new float[alone.Length][];
        Parallel.For(0, alone.Length, i => together[i] = One(i));
        Assert.Equal(alone, together);

        float[] One(int position)
        {
            var result = new float[3 * 4 * 24 * 24];
            augmenter.Apply(frames, Height, Width, ClipAugmentation.Draw(Small(), new SampleKey(1, 0, position), Height, Width, Mels).Video[1], 24, result);
            return result;
        }
    }

    [Fact]
    public void VideoApply_AfterWarmUp_AllocatesNothing()
    {
        var augmenter = new VideoAugmenter();
        var view = ClipAugmentation.Draw(Small(), new SampleKey(1, 1, 1), Height, Width, Mels).Video[0] with { Blur = new GaussianBlur(3, 1, 1), Gray = true };
        var frames = new byte[8 * Height * Width * 3];
        var result = new float[3 * 8 * 32 * 32];
        augmenter.Apply(frames, Height, Width, view, 32, result);
        var before = GC.GetAllocatedBytesForCurrentThread();
        augmenter.Apply(frames, Height, Width, view, 32, result);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(4, 30, 3)]
    [InlineData(4, 0, 4)]
    [InlineData(5, 0, 3)]
    public void VideoApply_OutsideTheFrameOrWrongSize_Throws(int frames, int top, int channels)
    {
        var view = new VideoViewAugmentation { Crop = new CropBox(top, 0, 30, 30) };
        Assert.Throws<ArgumentException>(() =>
            new VideoAugmenter().Apply(new byte[frames * Height * Width * 3], Height, Width, view, 16, new float[channels * 4 * 16 * 16]));
    }

    [Fact]
    public void AudioApply_Volume_EqualsTheLogMelOfTheLouderWave()
    {
        var kernel = new SimdLogMel(new LogMelOptions());
        var wave = new float[4000];
        var random = new Random(8);
        for (var i = 0; i < wave.Length; i++)
        {
            wave[i] = (float)(random.NextDouble() - 0.5);
        }
        var frames = kernel.Frames(wave.Length);
        float[] quiet = new float[Mels * frames], loud = new float[Mels * frames], actual = new float[Mels * frames];
        kernel.Compute(wave, quiet);
        Waveform.Scale(wave, 1.2);
        kernel.Compute(wave, loud);
        new SpectrogramAugmenter(0, 1).Apply(Array.ConvertAll(quiet, v => (Half)v), Mels, new SpectrogramViewAugmentation { Volume = 1.2 }, actual);

        // Half a step of float16 below 16 (2^-7) by the cache's rounding, and 1e-4 by float32; the volume itself moves a value by 0.36.
        Assert.All(Enumerable.Range(0, actual.Length), i => Assert.Equal(loud[i], actual[i], (1 / 256.0) + 1e-4));
    }

    [Fact]
    public void Mask_Mean_IsThatOfTheUnmaskedSpectrogram()
    {
        float[] values = [1, 2, 3, 4, 5, 6];
        Spectrogram.Mask(values, 2, [new SpectrogramMask(true, 0, 1), new SpectrogramMask(false, 1, 1)], MaskFill.Mean);
        Assert.Equal([3.5f, 2, 3, 3.5f, 3.5f, 3.5f], values);
    }

    [Fact]
    public void ResizeCrop_WholeCanvasOfTheSameSize_ChangesNothing()
    {
        float[] values = [.. Enumerable.Range(0, 12).Select(i => (float)i)];
        new Spectrogram().ResizeCrop(values, 3, new SpectrogramCrop(3, 4, new CropBox(0, 0, 3, 4)));
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (float)i), values);
    }

    [Fact]
    public void Widen_EveryHalf_EqualsTheRuntimes()
    {
        Half[] halves = [.. Enumerable.Range(0, 65536).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits))];
        var floats = new float[65536];
        HalfFloats.Widen(halves, floats);
        Assert.Equal(halves.Select(half => (float)half), floats);
    }

    [Fact]
    public void Three_WideAndTall_RunAlongTheLongSide()
    {
        Assert.Equal([0, 5, 10], SpatialCrops.Three(18, 28, 18).Select(box => box.Left));
        Assert.Equal([0, 5, 9], SpatialCrops.Three(27, 18, 18).Select(box => box.Top));
    }

    private static AugmentationOptions Small() => new()
    {
        GlobalVideo = new VideoViewOptions { Frames = 8, Size = 32 },
        LocalVideo = VideoViewOptions.Local with { Frames = 4, Size = 24 },
        GlobalAudio = new SpectrogramViewOptions { Frames = 64 },
        LocalAudio = SpectrogramViewOptions.Local with { Frames = 32 },
    };
}
