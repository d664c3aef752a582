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

    /// <inheritdoc cref="IClipSource.CacheOf"/>
    public string? CacheOf(ClipEntry clip) => source.CacheOf(clip);

    /// <summary>Bytes the audio of a stretch takes while windows are cut from it, a segment at a time.</summary>
    public static long AudioBytes(Stretch stretch, LogMelOptions mel)
    {
        long most = 0;
        for (var i = 0; i < stretch.Count; i++)
        {
            most = Math.Max(most, HasWaveform(stretch[i]) ? 2L * stretch[i].NumSamples : 2L * stretch[i].MelFrames * mel.Mels);
        }

        return most;
    }

    /// <summary>Windows of the clip are cut from its samples, and their volume can be changed there.</summary>
    public static bool HasWaveform(ClipEntry clip) => clip.NumSamples > 0;

    /// <summary>The sample at which audio that belongs to a time in seconds begins: of a cached spectrogram the middle of its nearest frame.</summary>
    public int SampleAt(ClipEntry clip, double seconds)
    {
        var sample = seconds * mel.SampleRate;
        return HasWaveform(clip) ? Round(sample) : Round(sample / mel.Hop) * mel.Hop;
    }

    /// <summary>Samples of a stretch's audio.</summary>
    public int Samples(Stretch stretch)
    {
        var last = stretch[stretch.Count - 1];
        return SampleOf(stretch, stretch.Count - 1) + (HasWaveform(last) ? last.NumSamples : last.MelFrames * mel.Hop);
    }

    /// <summary>The sample at which a segment begins.</summary>
    public int SampleOf(Stretch stretch, int segment) => Round(stretch.SecondsTo(segment) * mel.SampleRate);

    /// <summary>Samples of a window of that many spectrogram frames.</summary>
    public int Samples(ClipEntry clip, int frames) => HasWaveform(clip) ? SamplesOf(frames) : frames * mel.Hop;

    /// <summary>How many different places a window of that many spectrogram frames can begin at within a stretch of samples; at least one.</summary>
    public int Starts(ClipEntry clip, int samples, int frames) => 1 + (Math.Max(0, samples - Samples(clip, frames)) / Start(clip, 1));

    /// <summary>The sample at which the window at one of those places begins: steps of 100 samples, in a cached spectrogram of a frame.</summary>
    public int Start(ClipEntry clip, int place) => place * (HasWaveform(clip) ? WaveformStep : mel.Hop);

    /// <summary>Reads <paramref name="count"/> frames from <paramref name="first"/> on, as [count, height, width, 3].</summary>
    public void ReadFrames(Stretch stretch, int first, int count, Span<byte> destination)
    {
        int size = stretch.FrameBytes, available = 0;
        for (int i = 0, begin = 0; i < stretch.Count && begin < first + count; begin += stretch[i++].NumFrames)
        {
            int from = Math.Max(0, first - begin), frames = Math.Min(first + count - begin, stretch[i].NumFrames) - from;
            if (frames > 0)
            {
                source.ReadFrames(stretch[i], from, frames, destination.Slice(available * size, frames * size));
                available += frames;
            }
        }

        for (var frame = available; frame < count; frame++)
        {
            // Windows start at 0 when a clip is too short, so what was read is the whole clip.
            destination.Slice((frame - available) * size, size).CopyTo(destination.Slice(frame * size, size));
        }
    }

    /// <summary>Reads several windows of a stretch's log-mel, one after the other, each [mels, frames].</summary>
    /// <param name="stretch">The clip, or the segments.</param>
    /// <param name="windows">
    /// The sample each begins at (of a cached spectrogram a multiple of hop) and its spectrogram frames; one may begin before 0 or reach past the end.
    /// </param>
    /// <param name="destination">Receives them.</param>
    /// <param name="volumes">Factors on each window's waveform, in clips that have theirs; empty changes nothing.</param>
    public void ReadAudio(Stretch stretch, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination, ReadOnlySpan<double> volumes = default)
    {
        if (HasWaveform(stretch.First))
        {
            CutWaveform(stretch, windows, volumes, destination);
        }
        else
        {
            CutSpectrogram(stretch, windows, destination);
        }
    }

    private static int Round(double value) => (int)Math.Round(value, MidpointRounding.AwayFromZero);

    private static int CeilingOf(int value, int divisor) => (int)Math.Ceiling((double)value / divisor);

    private void CutSpectrogram(Stretch stretch, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination)
    {
        destination.Fill(_silence);
        for (var segment = 0; segment < stretch.Count; segment++)
        {
            // A window's frame is the nearest of those cached: across a seam the next segment's grid begins half a frame before its first.
            int begin = SampleOf(stretch, segment), seam = mel.Hop / 2;
            var from = segment == 0 ? int.MinValue / 2 : begin - seam;
            var to = segment == stretch.Count - 1 ? int.MaxValue / 2 : SampleOf(stretch, segment + 1) - seam;
            if (Touches(windows, from, to, frames => frames * mel.Hop))
            {
                CutSpectrogram(stretch[segment], begin, from, to, windows, destination);
            }
        }
    }

    private void CutSpectrogram(ClipEntry clip, int begin, int from, int to, ReadOnlySpan<(int First, int Frames)> windows, Span<Half> destination)
    {
        var length = clip.MelFrames * mel.Mels;
        var rented = ArrayPool<byte>.Shared.Rent(length * sizeof(short));
        var whole = MemoryMarshal.Cast<byte, Half>(rented.AsSpan(0, length * sizeof(short)));
        source.ReadMel(clip, whole);
        foreach ((var sample, var frames) in windows)
        {
            int first = Math.Max(0, CeilingOf(from - sample, mel.Hop)), end = Math.Min(frames, CeilingOf(to - sample, mel.Hop));
            var cached = Round((double)(sample + (first * mel.Hop) - begin) / mel.Hop);
            int skipped = Math.Max(0, -cached), copied = Math.Min(end - first, clip.MelFrames - cached) - skipped;
            for (var band = 0; band < mel.Mels && copied > 0; band++)
            {
                whole.Slice((band * clip.MelFrames) + cached + skipped, copied).CopyTo(destination[((band * frames) + first + skipped)..]);
            }

            destination = destination[(mel.Mels * frames)..];
        }

        ArrayPool<byte>.Shared.Return(rented);
    }

    private void CutWaveform(Stretch stretch, ReadOnlySpan<(int First, int Frames)> windows, ReadOnlySpan<double> volumes, Span<Half> destination)
    {
        int all = 0, most = 0;
        foreach ((_, var frames) in windows)
        {
            (all, most) = (all + SamplesOf(frames), Math.Max(most, mel.Mels * frames));
        }

        var rented = ArrayPool<float>.Shared.Rent(all + most);
        Span<float> waves = rented.AsSpan(0, all), spectrogram = rented.AsSpan(all, most);
        waves.Clear();
        for (var segment = 0; segment < stretch.Count; segment++)
        {
            var begin = SampleOf(stretch, segment);
            if (Touches(windows, begin, begin + stretch[segment].NumSamples, SamplesOf))
            {
                CutWaveform(stretch[segment], begin, windows, waves);
            }
        }

        for (var window = 0; window < windows.Length; window++)
        {
            int samples = SamplesOf(windows[window].Frames), values = mel.Mels * windows[window].Frames;
            if (!volumes.IsEmpty)
            {
                Waveform.Scale(waves[..samples], volumes[window]);
            }

            _kernel.Compute(waves[..samples], spectrogram[..values]);
            for (var i = 0; i < values; i++)
            {
                destination[i] = (Half)spectrogram[i];
            }

            waves = waves[samples..];
            destination = destination[values..];
        }

        ArrayPool<float>.Shared.Return(rented);
    }

    private void CutWaveform(ClipEntry clip, int begin, ReadOnlySpan<(int First, int Frames)> windows, Span<float> waves)
    {
        var whole = ArrayPool<short>.Shared.Rent(clip.NumSamples);
        source.ReadPcm(clip, whole.AsSpan(0, clip.NumSamples));
        foreach ((var first, var frames) in windows)
        {
            int samples = SamplesOf(frames), shift = begin - first; // from a place in the segment to one in the window
            int from = Math.Clamp(-shift, 0, clip.NumSamples), to = Math.Clamp(samples - shift, from, clip.NumSamples);
            for (var i = from; i < to; i++)
            {
                waves[i + shift] = whole[i] / 32768f;
            }

            waves = waves[samples..];
        }

        ArrayPool<short>.Shared.Return(whole);
    }

    private static bool Touches(ReadOnlySpan<(int First, int Frames)> windows, int from, int to, Func<int, int> samples)
    {
        foreach ((var first, var frames) in windows)
        {
            if (first < to && first + samples(frames) > from)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Samples that give exactly that many frames: whole tenths of a second where there are such (448 frames: 4 s), as the reference cuts.</summary>
    private int SamplesOf(int frames)
    {
        var least = (frames - 1) * mel.Hop;
        var tenth = Math.Max(1, mel.SampleRate / 10);
        var round = (least + tenth - 1) / tenth * tenth;
        return Math.Max(1, round < frames * mel.Hop ? round : least);
    }
}
