using System.Buffers;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Cuts windows out of clips. A clip with fewer frames than a window repeats from its start. Audio that ends before a window does is
/// continued by silence: zeros in a waveform, and in a cached spectrogram the log-mel of silence, ln(log eps + power eps) = -15.9424,
/// in float16 as everything cached. Where a clip has its waveform the spectrogram is made of that, window by window, as the reference does: cut, change of
/// volume, log-mel with its edges reflected. One cut from a cached spectrogram differs from that in its edge frames, those whose Fourier
/// window reaches beyond the cut: n_fft / 2 / hop of them on either side (3.6, so 4), which saw the audio outside where the other's was mirrored.
/// </summary>
internal sealed class WindowReader(IClipSource source, LogMelOptions mel)
{
    // The reference begins its local audio views at whole hundreds of samples.
    private const int WaveformStep = 100;
    private readonly SimdLogMel _kernel = new(mel);
    private readonly Half _silence = (Half)Math.Log(mel.LogEpsilon + mel.PowerEpsilon);

    /// <summary>Bytes a clip's audio takes while windows are cut from it.</summary>
    public static long AudioBytes(ClipEntry clip, LogMelOptions mel) => HasWaveform(clip) ? 2L * clip.NumSamples : 2L * clip.MelFrames * mel.Mels;

    /// <summary>Windows of the clip are cut from its samples, and their volume can be changed there.</summary>
    public static bool HasWaveform(ClipEntry clip) => clip.NumSamples > 0;

    /// <summary>The sample at which audio that belongs to a time in seconds begins: of a cached spectrogram the middle of its nearest frame.</summary>
    public int SampleAt(ClipEntry clip, double seconds)
    {
        double sample = seconds * mel.SampleRate;
        return HasWaveform(clip) ? Round(sample) : Round(sample / mel.Hop) * mel.Hop;
    }

    /// <summary>Samples of a clip's audio.</summary>
    public int Samples(ClipEntry clip) => HasWaveform(clip) ? clip.NumSamples : clip.MelFrames * mel.Hop;

    /// <summary>Samples of a window of that many spectrogram frames.</summary>
    public int Samples(ClipEntry clip, int frames) => HasWaveform(clip) ? SamplesOf(frames) : frames * mel.Hop;

    /// <summary>How many different places a window of that many spectrogram frames can begin at within a stretch of samples; at least one.</summary>
    public int Starts(ClipEntry clip, int samples, int frames) => 1 + (Math.Max(0, samples - Samples(clip, frames)) / Start(clip, 1));

    /// <summary>The sample of the stretch at which the window at one of those places begins: steps of 100 samples, in a cached spectrogram of a frame.</summary>
    public int Start(ClipEntry clip, int place) => place * (HasWaveform(clip) ? WaveformStep : mel.Hop);

    /// <summary>Reads <paramref name="count"/> frames from <paramref name="first"/> on, as [count, height, width, 3].</summary>
    public void ReadFrames(ClipEntry clip, int first, int count, Span<byte> destination)
    {
        int available = Math.Min(count, clip.NumFrames - first);
        int read = available * clip.FrameBytes;
        source.ReadFrames(clip, first, available, destination[..read]);
        for (int frame = available; frame < count; frame++)
        {
            // Windows start at 0 when a clip is too short, so what was read is the whole clip.
            destination.Slice((frame - available) * clip.FrameBytes, clip.FrameBytes).CopyTo(destination.Slice(frame * clip.FrameBytes, clip.FrameBytes));
        }
    }

    /// <summary>Reads several windows of a clip's log-mel, one after the other, each [mels, frames].</summary>
    /// <param name="clip">The clip.</param>
    /// <param name="windows">The sample each begins at (of a cached spectrogram a multiple of hop) and its spectrogram frames; one may begin before 0 or reach past the end.</param>
    /// <param name="destination">Receives them.</param>
    /// <param name="volumes">Factors on each window's waveform, in clips that have theirs; empty changes nothing.</param>
    public void ReadAudio(ClipEntry clip, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination, ReadOnlySpan<double> volumes = default)
    {
        if (HasWaveform(clip))
        {
            CutWaveform(clip, windows, volumes, destination);
        }
        else
        {
            CutSpectrogram(clip, windows, destination);
        }
    }

    private static int Round(double value) => (int)Math.Round(value, MidpointRounding.AwayFromZero);

    private void CutSpectrogram(ClipEntry clip, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination)
    {
        int length = clip.MelFrames * mel.Mels;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length * sizeof(short));
        try
        {
            Span<Half> whole = MemoryMarshal.Cast<byte, Half>(rented.AsSpan(0, length * sizeof(short)));
            source.ReadMel(clip, whole);
            foreach ((int sample, int frames) in windows)
            {
                int first = sample / mel.Hop;
                for (int band = 0; band < mel.Mels; band++)
                {
                    Span<Half> line = destination.Slice(band * frames, frames);
                    int from = Math.Clamp(first, 0, clip.MelFrames);
                    int to = Math.Clamp(first + frames, from, clip.MelFrames);
                    if (to - from < frames)
                    {
                        line.Fill(_silence);
                    }

                    if (to > from)
                    {
                        whole.Slice((band * clip.MelFrames) + from, to - from).CopyTo(line[(from - first)..]);
                    }
                }

                destination = destination[(mel.Mels * frames)..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void CutWaveform(ClipEntry clip, ReadOnlySpan<(int First, int Frames)> windows, ReadOnlySpan<double> volumes, Span<Half> destination)
    {
        short[] whole = ArrayPool<short>.Shared.Rent(clip.NumSamples);
        try
        {
            source.ReadPcm(clip, whole.AsSpan(0, clip.NumSamples));
            for (int window = 0; window < windows.Length; window++)
            {
                (int first, int frames) = windows[window];
                int samples = SamplesOf(frames), values = mel.Mels * frames;
                float[] rented = ArrayPool<float>.Shared.Rent(samples + values);
                Span<float> wave = rented.AsSpan(0, samples), spectrogram = rented.AsSpan(samples, values);
                Cut(whole.AsSpan(0, clip.NumSamples), first, wave);
                if (!volumes.IsEmpty)
                {
                    Waveform.Scale(wave, volumes[window]);
                }

                _kernel.Compute(wave, spectrogram);
                for (int i = 0; i < values; i++)
                {
                    destination[i] = (Half)spectrogram[i];
                }

                ArrayPool<float>.Shared.Return(rented);
                destination = destination[values..];
            }
        }
        finally
        {
            ArrayPool<short>.Shared.Return(whole);
        }
    }

    private static void Cut(ReadOnlySpan<short> whole, int first, Span<float> wave)
    {
        int from = Math.Clamp(first, 0, whole.Length), to = Math.Clamp(first + wave.Length, from, whole.Length);
        wave.Clear();
        for (int i = from; i < to; i++)
        {
            wave[i - first] = whole[i] / 32768f;
        }
    }

    /// <summary>Samples that give exactly that many frames: whole tenths of a second where there are such (448 frames: 4 s), as the reference cuts.</summary>
    private int SamplesOf(int frames)
    {
        int least = (frames - 1) * mel.Hop;
        int tenth = Math.Max(1, mel.SampleRate / 10);
        int round = (least + tenth - 1) / tenth * tenth;
        return Math.Max(1, round < frames * mel.Hop ? round : least);
    }
}
