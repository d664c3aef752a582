using System.Buffers;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Cuts windows out of clips. A clip with fewer frames than a window repeats from its start. Audio that ends before a window does is
/// continued by silence: zeros in a waveform, and in a cached spectrogram the log-mel of silence, ln(log eps + power eps) = -15.9424,
/// in float16 as everything cached.
/// Spectrogram frames at a window's edges differ between the two: a cached one was computed over the whole clip, so its edge frames saw
/// half a Fourier window of the audio outside, where a waveform cut first is reflected.
/// </summary>
internal sealed class WindowReader(IClipSource source, LogMelOptions mel)
{
    private readonly SimdLogMel _kernel = new(mel);
    private readonly Half _silence = (Half)Math.Log(mel.LogEpsilon + mel.PowerEpsilon);

    /// <summary>Bytes a clip's audio takes while windows are cut from it.</summary>
    public static long AudioBytes(ClipEntry clip, LogMelOptions mel) => clip.MelFrames > 0 ? 2L * clip.MelFrames * mel.Mels : 2L * clip.NumSamples;

    /// <summary>The spectrogram frame nearest a time in seconds.</summary>
    public int FrameAt(double seconds) => (int)Math.Round(seconds * mel.SampleRate / mel.Hop, MidpointRounding.AwayFromZero);

    /// <summary>Spectrogram frames of a clip, counted as its waveform would have them.</summary>
    public int SpectrogramFrames(ClipEntry clip) => clip.MelFrames > 0 ? clip.MelFrames : _kernel.Frames(clip.NumSamples);

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

    /// <summary>
    /// Reads several windows of a clip's log-mel, one after the other, each [mels, frames]; a window may begin before 0 or reach past
    /// the end.
    /// </summary>
    public void ReadAudio(ClipEntry clip, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination)
    {
        if (clip.MelFrames > 0)
        {
            CutSpectrogram(clip, windows, destination);
        }
        else
        {
            CutWaveform(clip, windows, destination);
        }
    }

    private void CutSpectrogram(ClipEntry clip, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination)
    {
        int length = clip.MelFrames * mel.Mels;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length * sizeof(short));
        try
        {
            Span<Half> whole = MemoryMarshal.Cast<byte, Half>(rented.AsSpan(0, length * sizeof(short)));
            source.ReadMel(clip, whole);
            foreach ((int first, int frames) in windows)
            {
                for (int band = 0; band < mel.Mels; band++)
                {
                    Span<Half> line = destination.Slice(band * frames, frames);
                    line.Fill(_silence);
                    int from = Math.Clamp(first, 0, clip.MelFrames);
                    int to = Math.Clamp(first + frames, from, clip.MelFrames);
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

    private void CutWaveform(ClipEntry clip, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination)
    {
        short[] whole = ArrayPool<short>.Shared.Rent(clip.NumSamples);
        try
        {
            source.ReadPcm(clip, whole.AsSpan(0, clip.NumSamples));
            foreach ((int first, int frames) in windows)
            {
                int samples = SamplesOf(frames);
                float[] cut = ArrayPool<float>.Shared.Rent(samples);
                Span<float> wave = cut.AsSpan(0, samples);
                wave.Clear();
                long start = (long)first * mel.Hop;
                for (int i = 0; i < samples; i++)
                {
                    long at = start + i;
                    if (at >= 0 && at < clip.NumSamples)
                    {
                        wave[i] = whole[at] / 32768f;
                    }
                }

                int values = mel.Mels * frames;
                float[] spectrogram = ArrayPool<float>.Shared.Rent(values);
                _kernel.Compute(wave, spectrogram.AsSpan(0, values));
                for (int i = 0; i < values; i++)
                {
                    destination[i] = (Half)spectrogram[i];
                }

                ArrayPool<float>.Shared.Return(spectrogram);
                ArrayPool<float>.Shared.Return(cut);
                destination = destination[values..];
            }
        }
        finally
        {
            ArrayPool<short>.Shared.Return(whole);
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
