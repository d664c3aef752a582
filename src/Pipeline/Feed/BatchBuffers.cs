namespace Xkd.Pipeline;

/// <summary>The memory of one batch.</summary>
internal sealed class BatchBuffers
{
    public BatchBuffers(FeedOptions options, int rows)
    {
        if (options.Video)
        {
            HostView global = new(rows, 3, options.Frames, options.FrameSize, options.FrameSize);
            Video = [global, .. Repeat(options.LocalVideoViews, () => new HostView(rows, 3, options.LocalFrames, options.LocalFrameSize, options.LocalFrameSize))];
            VideoNoise = new float[rows * options.VideoTokens];
        }

        if (options.Audio)
        {
            HostView global = new(rows, 1, options.Mel.Mels, options.AudioFrames);
            Audio = [global, .. Repeat(options.LocalAudioViews, () => new HostView(rows, 1, options.Mel.Mels, options.LocalAudioFrames))];
            AudioNoise = new float[rows * options.AudioTokens];
        }
    }

    public HostView[] Video { get; } = [];

    public HostView[] Audio { get; } = [];

    public float[] VideoNoise { get; } = [];

    public float[] AudioNoise { get; } = [];

    public long Bytes => BytesOf(Video, Audio, VideoNoise.Length + AudioNoise.Length);

    /// <summary>What the buffers of a batch will take, before they exist.</summary>
    public static long BytesOf(FeedOptions o, int rows)
    {
        long video = (3L * o.Frames * o.FrameSize * o.FrameSize) + (3L * o.LocalVideoViews * o.LocalFrames * o.LocalFrameSize * o.LocalFrameSize) + o.VideoTokens;
        long audio = (o.Mel.Mels * (o.AudioFrames + ((long)o.LocalAudioViews * o.LocalAudioFrames))) + o.AudioTokens;
        return sizeof(float) * rows * ((o.Video ? video : 0) + (o.Audio ? audio : 0));
    }

    private static long BytesOf(HostView[] video, HostView[] audio, int noise) =>
        sizeof(float) * (video.Sum(v => (long)v.Length) + audio.Sum(v => (long)v.Length) + noise);

    private static IEnumerable<HostView> Repeat(int count, Func<HostView> make) => Enumerable.Range(0, count).Select(_ => make());
}
