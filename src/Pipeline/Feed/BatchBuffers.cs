using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>The memory of one batch: its views, or where augmentation is deferred its windows as read.</summary>
internal sealed class BatchBuffers
{
    public BatchBuffers(FeedOptions options, int rows)
    {
        if (options.Video)
        {
            VideoNoise = new float[rows * options.VideoTokens];
            int[] frames = [options.Frames, .. Enumerable.Repeat(options.LocalFrames, options.LocalVideoViews)];
            int[] sizes = [options.FrameSize, .. Enumerable.Repeat(options.LocalFrameSize, options.LocalVideoViews)];
            Frames = options.DeferAugmentation ? new HostFrames(rows, options.FramesRead) : null;
            Windows = options.DeferAugmentation ? [.. frames.Select(f => new HostWindows(rows, f))] : [];
            Video = options.DeferAugmentation ? [] : [.. frames.Zip(sizes, (f, size) => new HostView(rows, 3, f, size, size))];
        }

        if (options.Audio)
        {
            AudioNoise = new float[rows * options.AudioTokens];
            int[] frames = [options.AudioFrames, .. Enumerable.Repeat(options.LocalAudioFrames, options.LocalAudioViews)];
            Mel = options.DeferAugmentation ? [.. frames.Select(f => new HostSpectrograms(rows, options.Mel.Mels, f))] : [];
            Audio = options.DeferAugmentation ? [] : [.. frames.Select(f => new HostView(rows, 1, options.Mel.Mels, f))];
        }
    }

    public HostView[] Video { get; } = [];

    public HostView[] Audio { get; } = [];

    public HostFrames? Frames { get; }

    public HostWindows[] Windows { get; } = [];

    public HostSpectrograms[] Mel { get; } = [];

    public float[] VideoNoise { get; } = [];

    public float[] AudioNoise { get; } = [];

    public long Bytes => (Frames?.Length ?? 0) + Mel.Sum(m => sizeof(short) * (long)m.Data.Length)
        + (sizeof(float) * (Video.Sum(v => (long)v.Length) + Audio.Sum(v => (long)v.Length) + VideoNoise.Length + AudioNoise.Length));

    /// <summary>What the buffers of a batch will take, before they exist; windows as read are not in it, as they follow the clips.</summary>
    public static long BytesOf(FeedOptions o, int rows)
    {
        var video = o.DeferAugmentation ? 0 : 3L * ((o.Frames * o.FrameSize * o.FrameSize) + ((long)o.LocalVideoViews * o.LocalFrames * o.LocalFrameSize * o.LocalFrameSize));
        var audio = o.DeferAugmentation ? 0 : o.Mel.Mels * (o.AudioFrames + ((long)o.LocalAudioViews * o.LocalAudioFrames));
        return sizeof(float) * rows * ((o.Video ? video + o.VideoTokens : 0) + (o.Audio ? audio + o.AudioTokens : 0));
    }

    /// <summary>Makes room for the clips of a batch whose windows are delivered as read.</summary>
    public void Layout(IReadOnlyList<ClipEntry> clips) => Frames?.Layout(clips);
}
