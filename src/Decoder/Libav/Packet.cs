using System.Runtime.InteropServices;

namespace Xkd.Decoder.Libav;

/// <summary>libav's AVPacket, alike in libavcodec 58 to 63.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct Packet
{
    [FieldOffset(8)]
    public long Pts;

    [FieldOffset(32)]
    public int Size;

    [FieldOffset(36)]
    public int Stream;

    [FieldOffset(40)]
    public int Flags;

    [FieldOffset(64)]
    public long Duration;
}
