using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>Videos cut into segments of 20 frames, 2.5 s, in the order of their clips' ids: <c>#10</c> before <c>#2</c>.</summary>
internal static class FakeVideos
{
    public const int Frames = 20, Samples = 4000;

    /// <param name="segments">Number of segments of each video.</param>
    /// <param name="waveform">The clips have their waveform, and no spectrogram.</param>
    /// <param name="missing">A segment that was left out, of the first video.</param>
    /// <param name="damaged">A segment of the first video whose row is damaged.</param>
    /// <param name="name">The cache's.</param>
    public static FakeClips Of(int[] segments, bool waveform = false, int? missing = null, int? damaged = null, string name = "fake")
    {
        (string Item, int Number)[] all = [.. segments
            .SelectMany((count, video) => Enumerable.Range(0, count).Where(k => video > 0 || k != missing).Select(k => ($"video{video:D2}", k)))
            .OrderBy(s => SegmentId.Of(s.Item1, s.k), StringComparer.Ordinal)];
        int[] corrupt = damaged is { } number ? [Array.IndexOf(all, ("video00", number))] : [];
        return new FakeClips(all.Length, _ => Frames, _ => (Samples / 60) + 1, waveform ? _ => Samples : null, corrupt, widths: null, all)
        {
            Name = name,
            Fingerprint = new FakeClips(1).Fingerprint with { AudioCodec = waveform ? AudioCodecs.Pcm : AudioCodecs.Mel },
        };
    }

    /// <summary>The clip of a video's segment.</summary>
    public static ClipEntry Segment(this FakeClips clips, int video, int number) => clips.Clips.Single(c => c.Id == SegmentId.Of($"video{video:D2}", number));
}
