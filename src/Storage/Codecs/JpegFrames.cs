namespace Xkd.Storage;
/// <summary>x</summary>
public static class JpegFrames
{
    public static (byte[] Payload, uint[] Offsets) Encode(ReadOnlySpan<byte> frames, int count, int height, int width, int quality) => throw new NotSupportedException();
}
