using System.Globalization;

namespace Xkd.Storage;

/// <summary>What a preparation can be at all: writers refuse the rest as a setting, readers as damage.</summary>
internal static class FingerprintCheck
{
    /// <summary>The first key that no cache can have so; null when all are possible.</summary>
    public static (string Key, string Expected, string Got)? Problem(Fingerprint print) => print switch
    {
        { Fps: not (> 0 and <= 1000) } => ("fps", "above 0, at most 1000", Text(print.Fps)),
        { ShortSide: not (> 0 and <= 1 << 14) } => ("short_side", "1 to 16384", Text(print.ShortSide)),
        { SampleRate: not (> 0 and <= 1 << 20) } => ("sample_rate", "1 to 1048576", Text(print.SampleRate)),
        { NFft: not (> 0 and <= 1 << 20) } => ("n_fft", "1 to 1048576", Text(print.NFft)),
        { Hop: not (> 0 and <= 1 << 20) } => ("hop", "1 to 1048576", Text(print.Hop)),
        { Mels: not (> 0 and <= 1 << 12) } => ("mels", "1 to 4096", Text(print.Mels)),
        { FramesCodec: not (FrameCodecs.Raw or FrameCodecs.Jpeg) } => ("frames_codec", "raw or jpeg", print.FramesCodec),
        { FrameRule: not (FrameRules.OnScreen or FrameRules.Nearest) } => ("frame_rule", "on_screen or nearest", print.FrameRule),
        { AudioCodec: not (AudioCodecs.Mel or AudioCodecs.Pcm) } => ("audio_codec", "mel or pcm", print.AudioCodec),
        _ => null,
    };

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
