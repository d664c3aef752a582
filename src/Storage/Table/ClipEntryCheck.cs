using System.Globalization;

namespace Xkd.Storage;

/// <summary>
/// What a row of an index can say at all. A checksum only proves that the row is as it was written, and whoever reads clips computes sizes, buffers and positions
/// from it without looking again.
/// </summary>
internal static class ClipEntryCheck
{
    private const double MostSeconds = 1e9;
    private const int MostPixelsAByte = 512; // of a baseline JPEG: a block of 64 takes at least one bit
    private const int HeaderBytes = 4; // PAR1

    /// <summary>The first number of a row that cannot be, wherever its payload lies; null when all can.</summary>
    public static (string Column, string Expected, string Got)? Problem(ClipEntry clip, Fingerprint fingerprint) => clip switch
    {
        { Id: null or "" } => ("id", "a name", "none"),
        { Row: < 0 } => ("row", "0 or more", Text(clip.Row)),
        { MelSum: not (> double.NegativeInfinity and < double.PositiveInfinity) } => ("mel_sum", "a number", Text(clip.MelSum)),
        { MelSumSquares: not (>= 0 and < double.PositiveInfinity) } => ("mel_sum_squares", "0 or more", Text(clip.MelSumSquares)),
        { Start: not (>= -MostSeconds and <= MostSeconds) } => ("start", "seconds", Text(clip.Start)),
        { Duration: not (>= 0 and <= MostSeconds) } => ("duration", "seconds", Text(clip.Duration)),
        { Fps: not (>= 0 and <= 1000) } => ("fps", "0 to 1000", Text(clip.Fps)),
        { NumFrames: < 0 } => ("num_frames", "0 or more", Text(clip.NumFrames)),
        { MelFrames: < 0 } => ("mel_frames", "0 or more", Text(clip.MelFrames)),
        { NumSamples: < 0 } => ("num_samples", "0 or more", Text(clip.NumSamples)),
        { NumFrames: 0, MelFrames: 0, NumSamples: 0 } => ("num_frames", "frames or audio", "neither"),
        { Width: not (>= 0 and <= ushort.MaxValue) } or { Width: 0, NumFrames: > 0 } => ("width", "the pixels of a frame", Text(clip.Width)),
        { Height: not (>= 0 and <= ushort.MaxValue) } or { Height: 0, NumFrames: > 0 } => ("height", "the pixels of a frame", Text(clip.Height)),
        { AudioRate: not (>= 0 and <= 1 << 20) } or { AudioRate: 0, NumSamples: > 0 } => ("audio_rate", "hertz", Text(clip.AudioRate)),
        { NumSamples: > 0 } when fingerprint.AudioCodec != AudioCodecs.Pcm => ("num_samples", $"none in a cache of audio codec {fingerprint.AudioCodec}", Text(clip.NumSamples)),
        _ => null,
    };

    /// <summary>The first number of a row of a shard that cannot be; null when all can.</summary>
    public static (string Column, string Expected, string Got)? Problem(ClipEntry clip, ShardEntry shard, Fingerprint fingerprint)
    {
        var jpeg = fingerprint.FramesCodec == FrameCodecs.Jpeg;
        return Problem(clip, fingerprint)
            ?? (clip.Row >= shard.Rows ? ("row", $"0 to {shard.Rows - 1}", Text(clip.Row)) : default((string, string, string)?))
            ?? OfFrames(clip, jpeg)
            ?? OfPlace("frames", clip.FramesOffset, clip.FramesBytes, shard)
            ?? OfPlace("frame_hash", clip.FrameHashOffset, (long)clip.NumFrames * sizeof(ulong), shard)
            ?? OfPlace("frame_offsets", clip.FrameOffsetsOffset, jpeg && clip.NumFrames > 0 ? ((long)clip.NumFrames + 1) * sizeof(uint) : 0, shard)
            ?? OfPlace("mel", clip.MelOffset, (long)clip.MelFrames * fingerprint.Mels * sizeof(short), shard)
            ?? OfPlace("pcm", clip.PcmOffset, (long)clip.NumSamples * sizeof(short), shard);
    }

    private static (string Column, string Expected, string Got)? OfFrames(ClipEntry clip, bool jpeg)
    {
        var pixels = (long)clip.Width * clip.Height; // below 2^32
        var all = clip.NumFrames * pixels;
        return clip switch
        {
            _ when pixels * 3 > Array.MaxLength => ("width", "a frame that fits into memory", $"{clip.Width}×{clip.Height}"),
            _ when !jpeg && clip.FramesBytes != all * 3 => ("frames", $"{clip.NumFrames}×{clip.Height}×{clip.Width}×3 = {all * 3} bytes", Text(clip.FramesBytes)),
            _ when jpeg && (clip.FramesBytes < clip.NumFrames || clip.FramesBytes < all / MostPixelsAByte) =>
                ("frames", $"the bytes of {clip.NumFrames} JPEGs of {clip.Width}×{clip.Height}", Text(clip.FramesBytes)),
            _ => null,
        };
    }

    private static (string Column, string Expected, string Got)? OfPlace(string column, long offset, long bytes, ShardEntry shard) =>
        bytes is >= 0 and <= int.MaxValue && offset >= HeaderBytes && offset <= shard.Bytes - bytes
            ? null
            : (column, $"bytes between {HeaderBytes} and {shard.Bytes}", $"{bytes} from {offset}");

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
