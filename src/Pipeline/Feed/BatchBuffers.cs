using System.Collections.Concurrent;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>The memory of one batch: its views, or where augmentation is deferred its windows as read.</summary>
internal sealed class BatchBuffers
{
    public BatchBuffers(ViewOptions options, int rows)
    {
        var (video, audio, defer) = (options.VideoViews, options.AudioViews, options.DeferAugmentation);
        VideoNoise = new float[options.Video ? rows * options.VideoTokens : 0];
        AudioNoise = new float[options.Audio ? rows * options.AudioTokens : 0];
        Frames = defer && options.Video ? new HostFrames(rows, options.FramesRead) : null;
        Windows = defer ? [.. video.Select(v => new HostWindows(rows, v.Frames))] : [];
        Mel = defer ? [.. audio.Select(frames => new HostSpectrograms(rows, options.Mel.Mels, frames))] : [];
        Video = defer ? [] : [.. video.Select(v => new HostView(rows, 3, v.Frames, v.Size, v.Size))];
        Audio = defer ? [] : [.. audio.Select(frames => new HostView(rows, 1, options.Mel.Mels, frames))];
    }

    public HostView[] Video { get; }

    public HostView[] Audio { get; }

    public HostFrames? Frames { get; }

    public HostWindows[] Windows { get; }

    public HostSpectrograms[] Mel { get; }

    public float[] VideoNoise { get; }

    public float[] AudioNoise { get; }

    public long Bytes => (Frames?.Length ?? 0) + Mel.Sum(m => sizeof(short) * (long)m.Data.Length)
        + (sizeof(float) * (Video.Sum(v => (long)v.Length) + Audio.Sum(v => (long)v.Length) + VideoNoise.Length + AudioNoise.Length));

    /// <summary>What the buffers of a batch will take, before they exist; windows as read are not in it, as they follow the clips.</summary>
    public static long BytesOf(ViewOptions o, int rows)
    {
        var values = (o.Video ? o.VideoTokens : 0L) + (o.Audio ? o.AudioTokens : 0);
        values += o.DeferAugmentation ? 0 : o.VideoViews.Sum(v => 3L * v.Frames * v.Size * v.Size) + o.AudioViews.Sum(frames => (long)o.Mel.Mels * frames);
        return sizeof(float) * rows * values;
    }
}

/// <summary>
/// Batch memory for reuse, what was returned last first: the fewer buffers take turns, the more of them stays in the processor's cache.
/// How many there are follows from the byte budget, which every batch passes first.
/// </summary>
internal sealed class BatchPool(ViewOptions options, int rows)
{
    private readonly ConcurrentStack<BatchBuffers> _free = [];

    /// <summary>Bytes of one batch's buffers.</summary>
    public long Bytes { get; } = BatchBuffers.BytesOf(options, rows);

    /// <summary>Buffers with room for the clips, where their windows are delivered as read.</summary>
    public BatchBuffers Rent(ClipEntry[] clips)
    {
        var buffers = _free.TryPop(out var free) ? free : new BatchBuffers(options, rows);
        buffers.Frames?.Layout(clips);
        return buffers;
    }

    public void Return(BatchBuffers buffers) => _free.Push(buffers);
}
