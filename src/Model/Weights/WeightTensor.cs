using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Xkd.Model.Weights;

/// <summary>One named tensor as plain bytes: what every weight file holds, whatever network it belongs to.</summary>
/// <param name="Name">State-dict name.</param>
/// <param name="Dtype">Element type, one of <see cref="Dtypes"/>.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Data">Little-endian, row-major, without gaps.</param>
public sealed record WeightTensor(string Name, string Dtype, long[] Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>Number of elements.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>"name F32 [2, 3]", for messages.</summary>
    public override string ToString() => $"{Name} {Dtype} [{string.Join(", ", Shape)}]";

    /// <summary>This tensor, once its byte count agrees with its shape and type.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    internal WeightTensor Checked() => Elements * Dtypes.ElementSize(Dtype) == Data.Length
        ? this
        : throw new ArgumentException($"{this} needs {Elements * Dtypes.ElementSize(Dtype)} bytes and has {Data.Length}");
}

/// <summary>Element types of stored tensors, under the names safetensors gives them.</summary>
internal static class Dtypes
{
    public const string F64 = "F64";
    public const string F32 = "F32";
    public const string F16 = "F16";
    public const string BF16 = "BF16";
    public const string I64 = "I64";
    public const string I32 = "I32";
    public const string I16 = "I16";
    public const string I8 = "I8";
    public const string U8 = "U8";
    public const string Bool = "BOOL";

    // Bytes per element, libtorch's type where its binding has one, and the storage that a pickle names.
    private static readonly Dictionary<string, (int Bytes, ScalarType? Type, string? Storage)> All = new(StringComparer.Ordinal)
    {
        [F64] = (8, ScalarType.Float64, "DoubleStorage"),
        [F32] = (4, ScalarType.Float32, "FloatStorage"),
        [F16] = (2, ScalarType.Float16, "HalfStorage"),
        [BF16] = (2, ScalarType.BFloat16, "BFloat16Storage"),
        [I64] = (8, ScalarType.Int64, "LongStorage"),
        [I32] = (4, ScalarType.Int32, "IntStorage"),
        [I16] = (2, ScalarType.Int16, "ShortStorage"),
        [I8] = (1, ScalarType.Int8, "CharStorage"),
        [U8] = (1, ScalarType.Byte, "ByteStorage"),
        [Bool] = (1, ScalarType.Bool, "BoolStorage"),
        ["U64"] = (8, null, null),
        ["U32"] = (4, null, null),
        ["U16"] = (2, null, null),
    };

    /// <summary>Bytes per element.</summary>
    /// <exception cref="FormatException">The dtype is not one of the format's.</exception>
    public static int ElementSize(string dtype) => All.TryGetValue(dtype, out var known) ? known.Bytes : throw new FormatException($"unknown dtype {dtype}");

    /// <summary>The name of a libtorch element type.</summary>
    /// <exception cref="NotSupportedException">It has none here (complex, quantised).</exception>
    public static string Of(ScalarType type) =>
        All.FirstOrDefault(entry => entry.Value.Type == type).Key ?? throw new NotSupportedException($"tensors of type {type} are not stored");

    /// <summary>Whether libtorch's binding has the type.</summary>
    internal static bool Loads(string dtype) => All.GetValueOrDefault(dtype).Type is not null;

    /// <summary>The libtorch element type of a name.</summary>
    /// <exception cref="NotSupportedException">libtorch's binding has none (unsigned integers beyond a byte).</exception>
    public static ScalarType ToScalarType(string dtype) =>
        All.GetValueOrDefault(dtype).Type ?? throw new NotSupportedException($"tensors of type {dtype} cannot be loaded into libtorch");

    /// <summary>The element type of a storage that a pickle names; null where it is not known.</summary>
    internal static string? OfStorage(string storage) => All.FirstOrDefault(entry => entry.Value.Storage == storage).Key;

    /// <summary>The storage that a pickle names for an element type.</summary>
    internal static string Storage(string dtype) => All[dtype].Storage ?? throw new NotSupportedException($"PyTorch has no storage of {dtype}");
}

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
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        Vector<T> exponents = new(exponent);
        var i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(values[i..]) & exponents, exponents))
            {
                return false;
            }
        }

        foreach (var value in values[i..])
        {
            if ((value & exponent) == exponent)
            {
                return false;
            }
        }

        return true;
    }
}
