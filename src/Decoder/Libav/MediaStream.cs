namespace Xkd.Decoder.Libav;

/// <summary>A stream of an open source.</summary>
/// <param name="Index">Its place in the source.</param>
/// <param name="CodecId">libav's number of the codec.</param>
/// <param name="TimeBase">Seconds of one unit of its times.</param>
/// <param name="Parameters">libav's AVCodecParameters, owned by the source; 0 of a stream that is not there.</param>
/// <param name="Turn">How the picture is turned to stand upright.</param>
internal readonly record struct MediaStream(int Index, int CodecId, Rational TimeBase, nint Parameters, Turn Turn)
{
    public bool IsThere => Parameters != 0;
}

/// <summary>Quarter turns to the right.</summary>
internal enum Turn
{
    None,
    Right,
    Around,
    Left,
}
