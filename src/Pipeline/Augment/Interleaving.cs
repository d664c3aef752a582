using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Pipeline;

/// <summary>Interleaved RGB to planes and back.</summary>
internal static unsafe class Interleaving
{
    /// <summary>Splits <paramref name="pixels"/> RGB triples into three planes <paramref name="planeStride"/> bytes apart; may write up to 15 bytes past each.</summary>
    /// <param name="rgb">Source; readable for 16 bytes past its end.</param>
    /// <param name="pixels">Pixels to split.</param>
    /// <param name="planes">First plane.</param>
    /// <param name="planeStride">Bytes from plane to plane.</param>
    public static void Split(byte* rgb, int pixels, byte* planes, int planeStride)
    {
        if (!Ssse3.IsSupported)
        {
            for (var i = 0; i < pixels; i++)
            {
                planes[i] = rgb[3 * i];
                planes[i + planeStride] = rgb[3 * i + 1];
                planes[i + 2 * planeStride] = rgb[3 * i + 2];
            }
            return;
        }
        for (var i = 0; i < pixels; i += 16)
        {
            Vector128<byte> a = Vector128.Load(rgb + 3 * i), b = Vector128.Load(rgb + 3 * i + 16), c = Vector128.Load(rgb + 3 * i + 32);
            Channel(a, b, c, 0).Store(planes + i);
            Channel(a, b, c, 1).Store(planes + planeStride + i);
            Channel(a, b, c, 2).Store(planes + 2 * planeStride + i);
        }
    }

    /// <summary>Joins three planes into RGB triples.</summary>
    public static void Join(byte* planes, int planeStride, Span<byte> rgb)
    {
        for (var i = 0; i < rgb.Length / 3; i++)
        {
            rgb[3 * i] = planes[i];
            rgb[3 * i + 1] = planes[i + planeStride];
            rgb[3 * i + 2] = planes[i + 2 * planeStride];
        }
    }

    private static Vector128<byte> Channel(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, int channel)
    {
        const byte None = 0x80;
        (var fromA, var fromB, var fromC) = channel switch
        {
            0 => (
                Vector128.Create(0, 3, 6, 9, 12, 15, None, None, None, None, None, None, None, None, None, None),
                Vector128.Create(None, None, None, None, None, None, 2, 5, 8, 11, 14, None, None, None, None, None),
                Vector128.Create(None, None, None, None, None, None, None, None, None, None, None, 1, 4, 7, 10, 13)),
            1 => (
                Vector128.Create(1, 4, 7, 10, 13, None, None, None, None, None, None, None, None, None, None, None),
                Vector128.Create(None, None, None, None, None, 0, 3, 6, 9, 12, 15, None, None, None, None, None),
                Vector128.Create(None, None, None, None, None, None, None, None, None, None, None, 2, 5, 8, 11, 14)),
            _ => (
                Vector128.Create(2, 5, 8, 11, 14, None, None, None, None, None, None, None, None, None, None, None),
                Vector128.Create(None, None, None, None, None, 1, 4, 7, 10, 13, None, None, None, None, None, None),
                Vector128.Create(None, None, None, None, None, None, None, None, None, None, 0, 3, 6, 9, 12, (byte)15)),
        };
        return Ssse3.Shuffle(a, fromA) | Ssse3.Shuffle(b, fromB) | Ssse3.Shuffle(c, fromC);
    }
}
