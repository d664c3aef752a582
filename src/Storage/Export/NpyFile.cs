using System.Globalization;
using System.Text;

namespace Xkd.Storage;

/// <summary>NumPy's file of one array (NEP 1, version 1.0): a header, then the values, little endian, the last axis fastest.</summary>
public static class NpyFile
{
    /// <summary>Type code of bytes.</summary>
    public const string UInt8 = "|u1";

    /// <summary>Type code of float16.</summary>
    public const string Float16 = "<f2";

    /// <summary>Type code of float32.</summary>
    public const string Float32 = "<f4";

    private const int Alignment = 64;

    /// <summary>What stands before the values.</summary>
    /// <param name="type">Type code, such as <see cref="Float32"/>.</param>
    /// <param name="shape">Length of each axis.</param>
    public static byte[] Header(string type, params ReadOnlySpan<long> shape)
    {
        StringBuilder axes = new();
        foreach (var length in shape)
        {
            axes.Append(CultureInfo.InvariantCulture, $"{length}, ");
        }

        var before = "\x93NUMPY\x01\0".Length + sizeof(ushort);
        var fields = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({axes.ToString().TrimEnd(shape.Length == 1 ? [' '] : [' ', ','])}), }}";
        var length1 = ((before + fields.Length + 1 + Alignment - 1) / Alignment * Alignment) - before;
        return [0x93, .. "NUMPY\x01\0"u8, (byte)length1, (byte)(length1 >> 8), .. Encoding.ASCII.GetBytes(fields.PadRight(length1 - 1) + "\n")];
    }

    /// <summary>A whole file.</summary>
    /// <param name="type">Type code of the values.</param>
    /// <param name="values">Their bytes.</param>
    /// <param name="shape">Length of each axis.</param>
    public static byte[] Of(string type, ReadOnlySpan<byte> values, params ReadOnlySpan<long> shape) => [.. Header(type, shape), .. values];
}
