namespace Xkd.Pipeline;

/// <summary>Turns a mono waveform into a log-mel spectrogram: ln(bank · (|STFT|² + power eps) + log eps), frames centred by reflect padding.</summary>
public interface ILogMel
{
    /// <summary>What this instance computes.</summary>
    LogMelOptions Options { get; }

    /// <summary>Frames of a waveform of that many samples: <c>1 + samples / hop</c>; no samples have no frames.</summary>
    int Frames(int samples);

    /// <summary>Computes the spectrogram of <paramref name="samples"/> (mono, nominally in [-1, 1]).</summary>
    /// <param name="samples">The waveform. Shorter than half a frame is allowed: the reflection then repeats, as numpy's does; one lone sample is held.</param>
    /// <param name="melMajor">Receives [mels, frames]; exactly <c>Mels * Frames(samples.Length)</c> values.</param>
    void Compute(ReadOnlySpan<float> samples, Span<float> melMajor);
}
