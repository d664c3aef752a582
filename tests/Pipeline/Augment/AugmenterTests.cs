namespace Xkd.Pipeline.Tests;

public sealed class AugmenterTests
{
    private const int Height = 56, Width = 75, Mels = 80;

    [Fact]
    public void ClipApply_WholeWindow_EqualsViewByView()
    {
        var options = Small();
        var augmenter = new ClipAugmenter(options);
        var key = new SampleKey(3, 0, 12);
        ClipAugmentation drawn = ClipAugmentation.Draw(options, key, Height, Width, Mels);
        byte[] frames = new byte[8 * Height * Width * 3];
        new Random(1).NextBytes(frames);
        Half[] mel = LogMel(64, 1);
        Memory<float>[] video = [new float[3 * 8 * 32 * 32], new float[3 * 4 * 24 * 24]];
        Memory<float>[] audio = [new float[Mels * 64], new float[Mels * 32]];
        augmenter.Apply(drawn, frames, Height, Width, mel, Mels, video, audio);

        int start = drawn.Video[1].FirstFrame * Height * Width * 3;
        float[] alone = new float[3 * 4 * 24 * 24];
        augmenter.Video(key, 1, frames.AsSpan(start, 4 * Height * Width * 3), Height, Width, 24, alone);
        Assert.Equal(video[1].ToArray(), alone);
        float[] global = new float[Mels * 64];
        augmenter.Audio(key, 0, Array.ConvertAll(mel, value => (float)value), Mels, global);
        Assert.Equal(audio[0].ToArray(), global);
    }

    [Fact]
    public void VideoApply_FromManyThreads_GivesEachItsOwnResult()
    {
        var augmenter = new ClipAugmenter(Small());
        byte[] frames = new byte[4 * Height * Width * 3];
        new Random(4).NextBytes(frames);
        float[][] alone = [.. Enumerable.Range(0, 24).Select(One)];
        float[][] together = new float[alone.Length][];
        Parallel.For(0, alone.Length, i => together[i] = One(i));
        Assert.Equal(alone, together);

        float[] One(int position)
        {
            float[] result = new float[3 * 4 * 24 * 24];
            augmenter.Video(new SampleKey(1, 0, position), 1, frames, Height, Width, 24, result);
            return result;
        }
    }

    [Fact]
    public void VideoApply_AfterWarmUp_AllocatesNothing()
    {
        var augmenter = new VideoAugmenter();
        VideoViewAugmentation view = ClipAugmentation.Draw(Small(), new SampleKey(1, 1, 1), Height, Width, Mels).Video[0] with { Blur = new GaussianBlur(3, 1, 1), Gray = true };
        byte[] frames = new byte[8 * Height * Width * 3];
        float[] result = new float[3 * 8 * 32 * 32];
        augmenter.Apply(frames, Height, Width, view, 8, 32, result);
        long before = GC.GetAllocatedBytesForCurrentThread();
        augmenter.Apply(frames, Height, Width, view, 8, 32, result);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(6, 0, 3)]
    [InlineData(0, 30, 3)]
    [InlineData(0, 0, 4)]
    public void VideoApply_OutsideTheWindowOrWrongSize_Throws(int first, int top, int channels)
    {
        var view = new VideoViewAugmentation { FirstFrame = first, Crop = new CropBox(top, 0, 30, 30) };
        Assert.Throws<ArgumentException>(() =>
            new VideoAugmenter().Apply(new byte[8 * Height * Width * 3], Height, Width, view, 4, 16, new float[channels * 4 * 16 * 16]));
    }

    [Fact]
    public void AudioApply_Volume_EqualsTheLogMelOfTheLouderWave()
    {
        var kernel = new SimdLogMel(new LogMelOptions());
        float[] wave = new float[4000];
        var random = new Random(8);
        for (int i = 0; i < wave.Length; i++)
        {
            wave[i] = (float)(random.NextDouble() - 0.5);
        }
        int frames = kernel.Frames(wave.Length);
        float[] quiet = new float[Mels * frames], loud = new float[Mels * frames], actual = new float[Mels * frames];
        kernel.Compute(wave, quiet);
        Waveform.Scale(wave, 1.2);
        kernel.Compute(wave, loud);
        new SpectrogramAugmenter(0, 1).Apply(quiet, Mels, 0, new SpectrogramViewAugmentation { Volume = 1.2 }, frames, actual);

        // Two log-mels within 2e-5 of float64 each (ReferenceLogMel), an exponential and a logarithm of numbers up to 16, in steps of 2^-20: 4.4e-5.
        Assert.All(Enumerable.Range(0, actual.Length), i => Assert.Equal(loud[i], actual[i], 1e-4));
    }

    [Fact]
    public void AudioApply_PastTheEnd_IsSilence()
    {
        float[] actual = new float[Mels * 10];
        new SpectrogramAugmenter(-1, 2).Apply(LogMel(6, 3), Mels, 4, new SpectrogramViewAugmentation { Volume = 1.1 }, 10, actual);
        float silence = (MathF.Log(1.1920929e-07f) + 1) / 2;
        Assert.All(actual.Where((_, i) => i % 10 >= 2), value => Assert.Equal(silence, value, 1e-5)); // ten steps of float32, 2^-20 each at 16
        Assert.All(actual.Where((_, i) => i % 10 < 2), value => Assert.NotEqual(silence, value, 1e-3));
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
        float[] floats = new float[65536];
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

    private static Half[] LogMel(int frames, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Mels * frames).Select(_ => (Half)(random.NextDouble() * 10 - 12))];
    }
}
