namespace Xkd.Storage;

/// <summary>Names of the ways audio is stored, as in <see cref="Fingerprint.AudioCodec"/>.</summary>
public static class AudioCodecs
{
    /// <summary>Log-mel, float16 little endian, <c>[mels, frames]</c>.</summary>
    public const string Mel = "mel";

    /// <summary>16-bit little endian mono samples.</summary>
    public const string Pcm = "pcm";
}
