using System.Numerics;
using System.Runtime.InteropServices;

namespace Xkd.Model.Weights;

/// <summary>Looks for values that are not finite: in every floating type those whose exponent is all ones.</summary>
internal static class FiniteValues
{
    /// <summary>Whether a tensor has only finite values; other types than floating ones cannot have any else.</summary>
    public static bool Only(WeightTensor tensor) => tensor.Dtype switch
    {
        Dtypes.F32 => Only(tensor.Data.Span, 0x7F80_0000u),
        Dtypes.F64 => Only(tensor.Data.Span, 0x7FF0_0000_0000_0000ul),
        Dtypes.F16 => Only<ushort>(tensor.Data.Span, 0x7C00),
        Dtypes.BF16 => Only<ushort>(tensor.Data.Span, 0x7F80),
        _ => true,
    };

    private static bool Only<T>(ReadOnlySpan<byte> bytes, T exponent)
        where T : struct, IBinaryInteger<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(bytes);
        Vector<T> exponents = new(exponent);
        int i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(values[i..]) & exponents, exponents))
            {
                return false;
            }
        }

        foreach (T value in values[i..])
        {
            if ((value & exponent) == exponent)
            {
                return false;
            }
        }

        return true;
    }
}
