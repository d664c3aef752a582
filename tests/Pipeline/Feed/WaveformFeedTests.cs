using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>Spectrograms made window by window of a cache's waveforms.</summary>
public sealed class WaveformFeedTests
{
    [Fact]
    public async Task ReadAsync_Waveforms_ChangesTheVolumeOfTheCutAndThenMakesTheSpectrogram()
    {
        FakeClips clips = new(8, samples: _ => 4000)
        {
            Fingerprint = new FakeClips(1).Fingerprint with { AudioCodec = AudioCodecs.Pcm },
            MelStatistics = new MelStatistics { Mean = -3, Std = 2, Values = 1 },
        };
        var options = FakeClips.Options with { RequireWaveform = true };
        ClipFeed feed = new(clips, options);
        await using (feed)
        {
            await foreach (var batch in feed.ReadAsync(0, 1, cancellationToken: TestContext.Current.CancellationToken))
            {
                using (batch)
                {
                    for (var slot = 0; slot < batch.Size; slot++)
                    {
                        Assert.All(Expected(clips, options, batch, slot).Zip(batch.Audio[0].Row(slot).ToArray()), pair => Assert.Equal(pair.First, pair.Second, 0.005));
                    }
                }
            }
        }
    }

    [Fact]
    public void Constructor_CachedSpectrogramsWhereWaveformsAreRequired_IsRefusedWithTheCommand()
    {
        var options = FakeClips.Options with { RequireWaveform = true };
        var error = Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(16), options));
        Assert.Contains("audio_codec is mel", error.Message, StringComparison.Ordinal);
        Assert.Contains("xkd ingest", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("--audio pcm", error.Message, StringComparison.Ordinal);
    }

    // The reference's order: cut, volume, log-mel, normalise.
    private static float[] Expected(FakeClips clips, FeedOptions options, HostBatch batch, int slot)
    {
        var clip = clips.Clips[(int)batch.Indices[slot]];
        var pcm = new short[clip.NumSamples];
        clips.ReadPcm(clip, pcm);
        var volume = ViewDraw.Audio(options.Augmentation!.GlobalAudio, new SampleKey(options.Seed, 0, batch.Position + slot), 0, FakeClips.Mels).Volume;
        Assert.NotEqual(1, volume);
        SimdLogMel kernel = new(options.Mel);
        float[] wave = new float[1140], mel = new float[FakeClips.Mels * options.AudioFrames]; // 20 frames at hop 60
        for (var i = 0; i < wave.Length; i++)
        {
            var at = batch.Plans[slot].Audio[0] + i;
            wave[i] = at < pcm.Length ? (float)(pcm[at] / 32768f * volume) : 0;
        }

        kernel.Compute(wave, mel);
        return Array.ConvertAll(mel, value => (value + 3) / 2);
    }
}
