namespace Xkd.Decoder.Libav;

/// <summary>The source is not one that this decoder is sure of; the ffmpeg program decides about it.</summary>
internal sealed class RefusedException(string reason) : Exception(reason);
