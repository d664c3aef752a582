using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Xkd.Pipeline;

/// <summary>float16 to float32, eight at a time: the runtime converts them one by one.</summary>
internal static class HalfFloats
{
    /// <summary>Widens every value; the destination may be longer.</summary>
    public static void Widen(ReadOnlySpan<Half> source, Span<float> destination)
    {
        var i = 0;
        var bits = MemoryMarshal.Cast<Half, ushort>(source);
        for (; i <= bits.Length - 8; i += 8)
        {
            var halves = Vector128.Create<ushort>(bits.Slice(i, 8));
            var wide = Vector256.Create(Vector128.WidenLower(halves), Vector128.WidenUpper(halves));
            var magnitude = (wide & Vector256.Create(0x7FFFu)) << 13;
            var sign = (wide & Vector256.Create(0x8000u)) << 16;
            // Moving the exponent from bias 15 to bias 127 by a multiplication also puts subnormals right.
            var value = magnitude.AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle(0x77800000));
            // What was infinite or not a number keeps an exponent of all ones.
            var special = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x0F800000u)) & Vector256.Create(0x7F800000u);
            (value.AsUInt32() | special | sign).AsSingle().CopyTo(destination[i..]);
        }
        for (; i < source.Length; i++)
        {
            destination[i] = (float)source[i];
        }
    }
}
