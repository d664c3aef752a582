namespace Xkd.Pipeline.Tests;

public sealed class WindowReaderTests
{
    private static readonly LogMelOptions Mel = FakeClips.Options.Mel;

    [Fact]
    public void ReadFrames_WindowInside_IsThoseFrames()
    {
        FakeClips clips = new(3);
        var frames = new byte[5 * clips.Clips[1].FrameBytes];
        new WindowReader(clips, Mel).ReadFrames(Stretch.Of(clips.Clips[1]), 4, 5, frames);
        Assert.Equal(Enumerable.Range(4, 5).Select(f => FakeClips.Pixel(1, f, 0)), Enumerable.Range(0, 5).Select(f => frames[f * clips.Clips[1].FrameBytes]));
    }

    [Fact]
    public void ReadFrames_ShortClip_RepeatsFromItsStart()
    {
        FakeClips clips = new(3, frames: _ => 4);
        var size = clips.Clips[2].FrameBytes;
        var frames = new byte[11 * size];
        new WindowReader(clips, Mel).ReadFrames(Stretch.Of(clips.Clips[2]), 0, 11, frames);
        int[] expected = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2];
        Assert.Equal(expected.Select(f => FakeClips.Pixel(2, f, 5)), Enumerable.Range(0, 11).Select(f => frames[(f * size) + 5]));
    }

    [Fact]
    public void ReadAudio_CachedSpectrogramThatEnds_ContinuesWithSilence()
    {
        FakeClips clips = new(2, melFrames: _ => 10);
        var values = new Half[FakeClips.Mels * (6 + 4)];
        new WindowReader(clips, Mel).ReadAudio(Stretch.Of(clips.Clips[1]), [(7 * 60, 6), (0, 4)], values);
        for (var band = 0; band < FakeClips.Mels; band++)
        {
            float[] line = [.. values[(band * 6)..((band * 6) + 6)].Select(v => (float)v)];
            Assert.Equal([FakeClips.LogMel(1, band, 7), FakeClips.LogMel(1, band, 8), FakeClips.LogMel(1, band, 9)], line[..3]);
            Assert.All(line[3..], v => Assert.Equal(-15.9424f, (float)v, 0.005f));
            var second = (FakeClips.Mels * 6) + (band * 4);
            Assert.Equal(Enumerable.Range(0, 4).Select(f => FakeClips.LogMel(1, band, f)), values[second..(second + 4)].Select(v => (float)v));
        }
    }

    [Fact]
    public void ReadAudio_WindowPastTheEnd_IsSilenceAlone()
    {
        FakeClips clips = new(1, melFrames: _ => 10);
        var values = new Half[FakeClips.Mels * 5];
        new WindowReader(clips, Mel).ReadAudio(Stretch.Of(clips.Clips[0]), [(30 * 60, 5)], values);
        Assert.All(values, v => Assert.Equal(-15.9424f, (float)v, 0.005f));
    }

    [Fact]
    public void ReadAudio_SilentWaveform_IsTheSilenceOfACachedSpectrogram()
    {
        FakeClips clips = new(1, samples: _ => 600);
        var values = new Half[FakeClips.Mels * 5];
        new WindowReader(clips, Mel).ReadAudio(Stretch.Of(clips.Clips[0]), [(30 * 60, 5)], values);
        Assert.All(values, v => Assert.Equal(-15.9424f, (float)v, 0.005f));
    }

    [Fact]
    public void ReadAudio_Waveform_IsTheSpectrogramOfTheCutSamples()
    {
        FakeClips clips = new(2, samples: _ => 4000);
        var pcm = new short[4000];
        clips.ReadPcm(clips.Clips[1], pcm);

        // 27 frames at hop 60: 1600 samples, a second, is the whole number of tenths that gives them.
        float[] wave = [.. pcm.Skip(10 * 60).Take(1600).Select(s => s / 32768f)];
        var expected = new float[FakeClips.Mels * 27];
        new SimdLogMel(Mel).Compute(wave, expected);
        var values = new Half[FakeClips.Mels * 27];
        new WindowReader(clips, Mel).ReadAudio(Stretch.Of(clips.Clips[1]), [(10 * 60, 27)], values);
        Assert.Equal(expected.Select(v => (Half)v), values);
    }

    [Fact]
    public void ReadAudio_WaveformOfAnotherVolume_IsTheSpectrogramOfTheScaledSamples()
    {
        FakeClips clips = new(1, samples: _ => 4000);
        var pcm = new short[4000];
        clips.ReadPcm(clips.Clips[0], pcm);
        float[] wave = [.. pcm.Skip(123).Take(1600).Select(s => (float)(s / 32768f * 1.083))];
        var expected = new float[FakeClips.Mels * 27];
        new SimdLogMel(Mel).Compute(wave, expected);
        var values = new Half[FakeClips.Mels * 27];
        new WindowReader(clips, Mel).ReadAudio(Stretch.Of(clips.Clips[0]), [(123, 27)], values, [1.083]);
        Assert.Equal(expected.Select(v => (Half)v), values);
    }

    [Fact]
    public void ReadAudio_WholeClipsSpectrogramCutAtAWindow_IsThatOfTheWindowButForItsEdgeFrames()
    {
        LogMelOptions options = new();
        const int First = 300, Frames = 448, Edge = 4; // 512 samples of a Fourier window of 1024 reach 3.6 hops of 143 beyond a frame's middle
        FakeClips clips = new(1, samples: _ => 160_000);
        var pcm = new short[160_000];
        clips.ReadPcm(clips.Clips[0], pcm);
        SimdLogMel kernel = new(options);
        var whole = new float[options.Mels * kernel.Frames(pcm.Length)];
        kernel.Compute(Array.ConvertAll(pcm, s => s / 32768f), whole);
        var window = new Half[options.Mels * Frames];
        new WindowReader(clips, options).ReadAudio(Stretch.Of(clips.Clips[0]), [(First * options.Hop, Frames)], window);
        double inside = 0, edges = 0;
        for (var band = 0; band < options.Mels; band++)
        {
            for (var frame = 0; frame < Frames; frame++)
            {
                var gap = Math.Abs((double)(Half)whole[(band * kernel.Frames(pcm.Length)) + First + frame] - (double)window[(band * Frames) + frame]);
                var atEdge = frame < Edge || frame >= Frames - Edge;
                (inside, edges) = (atEdge ? inside : Math.Max(inside, gap), atEdge ? Math.Max(edges, gap) : edges);
            }
        }

        // One step of float16 at most where float32 rounds differently; the edges are another signal.
        Assert.InRange(inside, 0, 1 / 128.0);
        Assert.True(edges > 0.1, $"the edge frames differ by {edges} alone");
    }

    [Fact]
    public void SampleAt_ReferenceRates_IsTheNearestFrameOfASpectrogramAndTheSampleOfAWaveform()
    {
        FakeClips cached = new(1), waveform = new(1, samples: _ => 64_000);
        WindowReader reader = new(cached, new LogMelOptions());
        Assert.Equal(0, reader.SampleAt(cached.Clips[0], 0));
        Assert.Equal(112 * 143, reader.SampleAt(cached.Clips[0], 1)); // 111.89 frames
        Assert.Equal(14 * 143, reader.SampleAt(cached.Clips[0], 0.125)); // 13.99
        Assert.Equal(2000, reader.SampleAt(waveform.Clips[0], 0.125));
    }
}
