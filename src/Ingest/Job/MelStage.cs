using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The mel stage: cuts a source into clips and computes each clip's spectrogram or, where the cache wants them, its 16-bit samples; and its JPEGs.</summary>
internal sealed class MelStage(ILogMel mel, Fingerprint fingerprint, double maxClip, MissingPolicy onMissing, int jpegQuality, ArrayPool<float> buffers)
{
    public ValueTask<PreparedItem> RunAsync(DecodedItem item, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var prepared = item.Media is { } media ? Prepare(item, media) : new PreparedItem(item.Source, item.Attempts) { Failure = item.Failure };
        return ValueTask.FromResult(prepared with { Stamp = item.Stamp });
    }

    private PreparedItem Prepare(DecodedItem item, DecodedMedia media)
    {
        var segments = Segments(media);
        if (!segments[0].Fits(media.FrameBytes))
        {
            media.Dispose();
            return Failed(item, FailureReasons.TooLarge, $"{segments[0].NumFrames} frames of {media.Width}x{media.Height}, or {segments[0].NumSamples} samples, exceed 2 GiB; a smaller --max-clip or --short-side fits");
        }

        var clips = segments.Select(segment => PrepareClip(media, segment)).ToList();
        if (clips.Exists(static clip => !double.IsFinite(clip.MelSumSquares)))
        {
            media.Dispose();
            return Failed(item, FailureReasons.Corrupt, "the decoded samples are not finite");
        }

        return new PreparedItem(item.Source, item.Attempts) { Media = media, Clips = clips, Warnings = [.. item.Warnings, .. media.Warnings, .. Warnings(media, segments)] };
    }

    private IReadOnlyList<ClipSegment> Segments(DecodedMedia media)
    {
        var segments = ClipSegment.Cut(media.NumFrames, fingerprint.Fps, media.NumSamples, fingerprint.SampleRate, maxClip);

        // A source without either has been judged. Of one that has both, the first segment has both.
        return onMissing == MissingPolicy.Drop && media is { NumFrames: > 0, NumSamples: > 0 }
            ? [.. segments.Where(static segment => segment is { NumFrames: > 0, NumSamples: > 0 })]
            : segments;
    }

    private PreparedClip PrepareClip(DecodedMedia media, ClipSegment segment)
    {
        var clip = new PreparedClip(segment);
        if (segment.NumSamples > 0)
        {
            var bytes = media.Samples.Read(segment.FirstSample * sizeof(float), segment.NumSamples * sizeof(float));
            var samples = MemoryMarshal.Cast<byte, float>(bytes.Span);
            clip = WithMel(clip, samples);

            // A cache of waveforms keeps no spectrogram beside them: who reads it makes one for each window. Its statistics are kept.
            clip = fingerprint.AudioCodec == AudioCodecs.Pcm ? clip with { Pcm = ToPcm(samples), Mel = [], MelFrames = 0 } : clip;
        }

        if (fingerprint.FramesCodec == FrameCodecs.Jpeg && segment.NumFrames > 0)
        {
            var frames = media.Frames.Read((long)segment.FirstFrame * media.FrameBytes, segment.NumFrames * media.FrameBytes);
            clip = clip with { Jpeg = JpegFrames.Encode(frames.Span, segment.NumFrames, media.Height, media.Width, jpegQuality) };
        }

        return clip;
    }

    private PreparedClip WithMel(PreparedClip clip, ReadOnlySpan<float> samples)
    {
        var frames = mel.Frames(samples.Length);
        var count = frames * fingerprint.Mels;
        var rented = buffers.Rent(count);
        try
        {
            var values = rented.AsSpan(0, count);
            mel.Compute(samples, values);
            var halves = new byte[count * 2];
            var (sum, squares) = ToHalf(values, MemoryMarshal.Cast<byte, Half>(halves.AsSpan()));
            return clip with { Mel = halves, MelFrames = frames, MelSum = sum, MelSumSquares = squares };
        }
        finally
        {
            buffers.Return(rented);
        }
    }

    private static (double Sum, double Squares) ToHalf(ReadOnlySpan<float> values, Span<Half> halves)
    {
        double sum = 0, squares = 0;
        for (var i = 0; i < values.Length; i++)
        {
            double value = values[i];
            halves[i] = (Half)values[i];
            sum += value;
            squares += value * value;
        }

        return (sum, squares);
    }

    private static byte[] ToPcm(ReadOnlySpan<float> samples)
    {
        var bytes = new byte[samples.Length * sizeof(short)];
        var pcm = MemoryMarshal.Cast<byte, short>(bytes.AsSpan());
        for (var i = 0; i < samples.Length; i++)
        {
            pcm[i] = (short)Math.Clamp(MathF.Round(samples[i] * 32768f), short.MinValue, short.MaxValue);
        }

        return bytes;
    }

    private IEnumerable<string> Warnings(DecodedMedia media, IReadOnlyList<ClipSegment> segments)
    {
        var video = media.NumFrames / fingerprint.Fps;
        var audio = (double)media.NumSamples / fingerprint.SampleRate;
        if (video > 0 && audio > 0 && Math.Abs(video - audio) > Math.Max(0.5, 0.1 * Math.Max(video, audio)))
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"video lasts {video:F2} s, audio {audio:F2} s");
        }

        // Each stream by itself: the last segment may hold more of one than of the other.
        var last = segments[^1];
        var videoLeft = video - ((last.FirstFrame + last.NumFrames) / fingerprint.Fps);
        var audioLeft = audio - ((double)(last.FirstSample + last.NumSamples) / fingerprint.SampleRate);
        if (videoLeft >= 1 || audioLeft >= 1)
        {
            yield return videoLeft >= 1
                ? FormattableString.Invariant($"the last {videoLeft:F2} s of the picture, which have no sound, are left out; --on-missing pad or keep accepts them")
                : FormattableString.Invariant($"the last {audioLeft:F2} s of the sound, which have no picture, are left out; --on-missing pad accepts them");
        }
        else if (Math.Max(videoLeft, audioLeft) > 1 / fingerprint.Fps)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"the last {Math.Max(videoLeft, audioLeft):F2} s, less than a segment of use, are left out");
        }
    }

    private static PreparedItem Failed(DecodedItem item, string reason, string detail) =>
        new(item.Source, item.Attempts) { Failure = new ItemFailure(FailureStages.Mel, reason, detail) };
}
