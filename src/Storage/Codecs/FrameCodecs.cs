namespace Xkd.Storage;

/// <summary>Names of the ways frames are stored, as in <see cref="Fingerprint.FramesCodec"/>.</summary>
public static class FrameCodecs
{
    /// <summary>rgb24, <c>[frames, height, width, 3]</c>.</summary>
    public const string Raw = "raw";

    /// <summary>One baseline JPEG per frame, one after the other; the column <c>frame_offsets</c> says where each begins.</summary>
    public const string Jpeg = "jpeg";
}
