using System.Collections.Concurrent;

namespace Xkd.Pipeline;

/// <summary>The memory of one batch: its views and its noise.</summary>
internal sealed class BatchBuffers
{
    public BatchBuffers(ViewOptions options, int rows)
    {
        VideoNoise = new float[options.Video ? rows * options.VideoTokens : 0];
        AudioNoise = new float[options.Audio ? rows * options.AudioTokens : 0];
        Levels = options.AsLevels ? [.. options.VideoViews.Select(v => new HostView<byte>(rows, 3, v.Frames, v.Size, v.Size))] : [];
        Video = options.AsLevels ? [] : [.. options.VideoViews.Select(v => new HostView<float>(rows, 3, v.Frames, v.Size, v.Size))];
        Audio = [.. options.AudioViews.Select(frames => new HostView<float>(rows, 1, options.Mel.Mels, frames))];
    }

    public HostView<byte>[] Levels { get; }

    public HostView<float>[] Video { get; }

    public HostView<float>[] Audio { get; }

    public float[] VideoNoise { get; }

    public float[] AudioNoise { get; }

    public long Bytes => Levels.Sum(v => (long)v.Length)
        + (sizeof(float) * (Video.Concat(Audio).Sum(v => (long)v.Length) + VideoNoise.Length + AudioNoise.Length));

    /// <summary>What the buffers of a batch will take, before they exist.</summary>
    public static long BytesOf(ViewOptions o, int rows)
    {
        var values = (o.Video ? o.VideoTokens : 0L) + (o.Audio ? o.AudioTokens : 0) + o.AudioViews.Sum(frames => (long)o.Mel.Mels * frames);
        return rows * ((sizeof(float) * values) + ((o.AsLevels ? sizeof(byte) : sizeof(float)) * o.VideoViews.Sum(v => 3L * v.Frames * v.Size * v.Size)));
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

    public BatchBuffers Rent() => _free.TryPop(out var free) ? free : new BatchBuffers(options, rows);

    public void Return(BatchBuffers buffers) => _free.Push(buffers);
}
