namespace Xkd.Decoder;

/// <summary>
/// What a decoder writes to standard output: messages of one kind byte, a payload length (int32, little endian) and the payload. It says
/// hello once; then each request gets frames and samples in any number of messages, and an end or a refusal.
/// </summary>
public enum DecoderMessage : byte
{
    /// <summary>Ready; the payload is libav's version, UTF-8, such as "5.1.9-0+deb12u1".</summary>
    Hello = 1,

    /// <summary>rgb24 frames, whole ones.</summary>
    Frames = 2,

    /// <summary>float32 mono samples.</summary>
    Samples = 3,

    /// <summary>The source is decoded; the payload is a <see cref="DecoderEnd"/>.</summary>
    End = 4,

    /// <summary>The source is not for this decoder; the payload says why, UTF-8. What came of it before is void.</summary>
    Refused = 5,
}
