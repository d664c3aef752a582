using TorchSharp;

namespace Xkd.Model.Weights;

/// <summary>Element types of stored tensors, under the names safetensors gives them.</summary>
public static class Dtypes
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

    /// <summary>Bytes per element.</summary>
    /// <exception cref="FormatException">The dtype is not one of the format's.</exception>
    public static int ElementSize(string dtype) => dtype switch
    {
        F64 or I64 or "U64" => 8,
        F32 or I32 or "U32" => 4,
        F16 or BF16 or I16 or "U16" => 2,
        U8 or I8 or Bool => 1,
        _ => throw new FormatException($"unknown dtype {dtype}"),
    };

    /// <summary>True for the four floating types.</summary>
    public static bool IsFloating(string dtype) => dtype is F64 or F32 or F16 or BF16;

    /// <summary>The name of a libtorch element type.</summary>
    /// <exception cref="NotSupportedException">It has none here (complex, quantised).</exception>
    public static string Of(torch.ScalarType type) => type switch
    {
        torch.ScalarType.Float64 => F64,
        torch.ScalarType.Float32 => F32,
        torch.ScalarType.Float16 => F16,
        torch.ScalarType.BFloat16 => BF16,
        torch.ScalarType.Int64 => I64,
        torch.ScalarType.Int32 => I32,
        torch.ScalarType.Int16 => I16,
        torch.ScalarType.Int8 => I8,
        torch.ScalarType.Byte => U8,
        torch.ScalarType.Bool => Bool,
        _ => throw new NotSupportedException($"tensors of type {type} are not stored"),
    };

    /// <summary>The libtorch element type of a name.</summary>
    /// <exception cref="NotSupportedException">libtorch's binding has none (unsigned integers beyond a byte).</exception>
    public static torch.ScalarType ToScalarType(string dtype) => dtype switch
    {
        F64 => torch.ScalarType.Float64,
        F32 => torch.ScalarType.Float32,
        F16 => torch.ScalarType.Float16,
        BF16 => torch.ScalarType.BFloat16,
        I64 => torch.ScalarType.Int64,
        I32 => torch.ScalarType.Int32,
        I16 => torch.ScalarType.Int16,
        I8 => torch.ScalarType.Int8,
        U8 => torch.ScalarType.Byte,
        Bool => torch.ScalarType.Bool,
        _ => throw new NotSupportedException($"tensors of type {dtype} cannot be loaded into libtorch"),
    };
}
