using System.Buffers.Binary;
using System.Runtime.InteropServices;

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

    /// <summary>A float32 tensor of <paramref name="values"/>, sharing their memory.</summary>
    public static WeightTensor FromFloats(string name, long[] shape, float[] values) =>
        new WeightTensor(name, Dtypes.F32, shape, new ArrayBytes<float>(values).Memory).Checked();

    /// <summary>An int64 tensor of <paramref name="values"/>, sharing their memory.</summary>
    public static WeightTensor FromInt64s(string name, long[] shape, long[] values) =>
        new WeightTensor(name, Dtypes.I64, shape, new ArrayBytes<long>(values).Memory).Checked();

    /// <summary>Every value as float32; wider types are rounded.</summary>
    /// <exception cref="NotSupportedException">The type is not floating, integer or bool.</exception>
    public float[] ToFloats()
    {
        var values = new float[Elements];
        var bytes = Data.Span;
        switch (Dtype)
        {
            case Dtypes.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
                break;
            case Dtypes.BF16:
                for (var i = 0; i < values.Length; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16);
                break;
            default:
                for (var i = 0; i < values.Length; i++)
                    values[i] = Value(bytes, i);
                break;
        }

        return values;
    }

    /// <summary>This tensor as float32; itself where it already is.</summary>
    public WeightTensor AsFloat32() => Dtype == Dtypes.F32 ? this : FromFloats(Name, Shape, ToFloats());

    /// <summary>"name F32 [2, 3]", for messages.</summary>
    public override string ToString() => $"{Name} {Dtype} [{string.Join(", ", Shape)}]";

    /// <summary>This tensor, once its byte count agrees with its shape and type.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    internal WeightTensor Checked() => Elements * Dtypes.ElementSize(Dtype) == Data.Length
        ? this
        : throw new ArgumentException($"{this} needs {Elements * Dtypes.ElementSize(Dtype)} bytes and has {Data.Length}");

    private float Value(ReadOnlySpan<byte> bytes, int index) => Dtype switch
    {
        Dtypes.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * index)..]),
        Dtypes.F64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * index)..]),
        Dtypes.I64 => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * index)..]),
        Dtypes.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * index)..]),
        Dtypes.I16 => BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * index)..]),
        Dtypes.I8 => (sbyte)bytes[index],
        Dtypes.U8 or Dtypes.Bool => bytes[index],
        _ => throw new NotSupportedException($"{this} has no float values"),
    };
}
