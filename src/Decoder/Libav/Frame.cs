using System.Runtime.InteropServices;

namespace Xkd.Decoder.Libav;

/// <summary>The start of libav's AVFrame, which libavutil 56 to 61 have in common.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct Frame
{
    /// <summary>The first plane.</summary>
    [FieldOffset(0)]
    public byte* Data;

    /// <summary>Bytes from one row of the first plane to the next.</summary>
    [FieldOffset(64)]
    public int LineSize;

    [FieldOffset(104)]
    public int Width;

    [FieldOffset(108)]
    public int Height;

    [FieldOffset(112)]
    public int Samples;

    /// <summary>Pixel or sample format.</summary>
    [FieldOffset(116)]
    public int Format;

    /// <summary>Presentation time, in units of the stream's time base.</summary>
    [FieldOffset(136)]
    public long Pts;
}
