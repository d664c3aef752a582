namespace Xkd.Ingest;

/// <summary>What a probe says of a file. Durations are seconds; null where the container does not declare one.</summary>
internal sealed record MediaInfo(double? Duration, IReadOnlyList<VideoInfo> Video, IReadOnlyList<AudioInfo> Audio)
{
    /// <summary>The stream ffmpeg would pick: the default one, then the largest picture, then the first.</summary>
    public VideoInfo? BestVideo => Video.OrderByDescending(static stream => stream.IsDefault).ThenByDescending(static stream => (long)stream.Width * stream.Height).FirstOrDefault();

    /// <summary>The default stream, then the most channels, as ffmpeg picks; then, of what it takes for equal, the highest sample rate; then the first.</summary>
    public AudioInfo? BestAudio => Audio.OrderByDescending(static stream => stream.IsDefault).ThenByDescending(static stream => stream.Channels).ThenByDescending(static stream => stream.SampleRate).FirstOrDefault();
}

/// <summary>A video stream that is no attached picture; the size is the picture's as shown, rotation applied.</summary>
internal sealed record VideoInfo(int Index, int Width, int Height, bool IsDefault, double? Duration);

/// <summary>An audio stream; it begins so many seconds after the file does.</summary>
internal sealed record AudioInfo(int Index, int Channels, int SampleRate, bool IsDefault, double? Duration, double Start);
