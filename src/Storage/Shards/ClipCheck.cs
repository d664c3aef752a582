namespace Xkd.Storage;

/// <summary>Whether a clip's parts agree with each other and with the cache's fingerprint.</summary>
internal static class ClipCheck
{
    /// <exception cref="ArgumentException">They do not: a defect of the caller, not of the media.</exception>
    public static void Require(ClipRecord clip, Fingerprint fingerprint)
    {
        var problem = Problem(clip, fingerprint);
        if (problem is not null)
        {
            throw new ArgumentException($"clip {clip.Id}: {problem}", nameof(clip));
        }
    }

    private static string? Problem(ClipRecord clip, Fingerprint fingerprint)
    {
        var raw = (long)clip.NumFrames * clip.Height * clip.Width * 3;
        var mel = (long)clip.MelFrames * fingerprint.Mels * 2;
        var encoded = !clip.FrameOffsets.IsEmpty;
        return clip switch
        {
            _ when ClipEntryCheck.Problem(clip with { NumSamples = clip.Pcm.Length / sizeof(short) }, fingerprint) is { } problem => $"{problem.Column} {problem.Got}, expected {problem.Expected}", // no reader would have it
            _ when encoded && fingerprint.FramesCodec != FrameCodecs.Jpeg => $"JPEG frames for a cache of codec {fingerprint.FramesCodec}",
            _ when encoded && !Ascending(clip) => $"frame offsets are not {clip.NumFrames + 1} ascending values from 0 to {clip.Frames.Length}",
            _ when !encoded && clip.Frames.Length != raw => $"{clip.Frames.Length} bytes of frames, {clip.NumFrames}×{clip.Height}×{clip.Width}×3 are {raw}",
            _ when clip.Mel.Length != mel => $"{clip.Mel.Length} bytes of mel, {fingerprint.Mels}×{clip.MelFrames} float16 are {mel}",
            _ when clip.Pcm.Length % 2 != 0 => $"{clip.Pcm.Length} bytes of 16-bit samples",
            _ => null,
        };
    }

    private static bool Ascending(ClipRecord clip)
    {
        var offsets = clip.FrameOffsets.Span;
        var fits = offsets.Length == clip.NumFrames + 1 && offsets[0] == 0 && offsets[^1] == clip.Frames.Length;
        for (var i = 1; fits && i < offsets.Length; i++)
        {
            fits = offsets[i] > offsets[i - 1];
        }

        return fits;
    }
}
