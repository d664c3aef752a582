using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Xkd.Model.Ranks;

/// <summary>Addition of bfloat16 values, which MPI has no type for: in float32, rounded to the nearest, ties to even.</summary>
internal static unsafe class Bfloat16Sum
{
    /// <summary>As MPI calls it: inout += in.</summary>
    [UnmanagedCallersOnly]
    public static void Reduce(void* input, void* inout, int* length, void* type) => Add(new Span<ushort>(input, *length), new Span<ushort>(inout, *length));

    /// <summary>sum += values.</summary>
    public static void Add(ReadOnlySpan<ushort> values, Span<ushort> sum)
    {
        var i = 0;
        for (; i <= sum.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(values[i..]), out var lowA, out var highA);
            Vector.Widen(new Vector<ushort>(sum[i..]), out var lowB, out var highB);
            Vector.Narrow(Add(lowA, lowB), Add(highA, highB)).CopyTo(sum[i..]);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] = Round(Widen(values[i]) + Widen(sum[i]));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Add(Vector<uint> a, Vector<uint> b)
    {
        var sum = Vector.AsVectorSingle(a << 16) + Vector.AsVectorSingle(b << 16);
        var bits = Vector.AsVectorUInt32(sum);
        var rounded = (bits + new Vector<uint>(0x7fff) + ((bits >> 16) & Vector<uint>.One)) >> 16;

        // Rounding up would carry a NaN's bits over into a number.
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(sum, sum)), rounded, new Vector<uint>(0x7fc0));
    }

    private static float Widen(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    private static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7fc0 : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
