namespace Xkd.Decoder.Libav;

/// <summary>A stream of an open source.</summary>
/// <param name="Index">Its place in the source.</param>
/// <param name="CodecId">libav's number of the codec.</param>
/// <param name="TimeBase">Seconds of one unit of its times.</param>
/// <param name="Parameters">libav's AVCodecParameters, owned by the source.</param>
internal readonly record struct MediaStream(int Index, int CodecId, Rational TimeBase, nint Parameters);
