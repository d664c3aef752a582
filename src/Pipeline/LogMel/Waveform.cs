namespace Xkd.Pipeline;

/// <summary>What happens to decoded audio before the spectrogram.</summary>
public static class Waveform
{
    /// <summary>Samples of <paramref name="seconds"/> at <paramref name="sampleRate"/> hertz: the product, truncated.</summary>
    public static int Samples(double seconds, int sampleRate) => (int)(seconds * sampleRate);

    /// <summary>Averages the channels, then cuts the end or fills it with zeros to the length of <paramref name="mono"/>.</summary>
    /// <param name="channelMajor">[channels, samples].</param>
    /// <param name="channels">At least one.</param>
    /// <param name="mono">Receives [samples wanted].</param>
    public static void Prepare(ReadOnlySpan<float> channelMajor, int channels, Span<float> mono)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        var samples = channelMajor.Length / channels;
        var kept = Math.Min(samples, mono.Length);
        for (var i = 0; i < kept; i++)
        {
            float sum = 0;
            for (var channel = 0; channel < channels; channel++)
            {
                sum += channelMajor[channel * samples + i];
            }
            mono[i] = sum / channels;
        }
        mono[kept..].Clear();
    }

    /// <summary>Multiplies every sample: the reference's volume jitter.</summary>
    public static void Scale(Span<float> samples, double factor)
    {
        foreach (ref var sample in samples)
        {
            sample = (float)(sample * factor);
        }
    }
}
