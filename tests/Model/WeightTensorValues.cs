using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Xkd.Model.Weights;

namespace Xkd.Model.Tests;

/// <summary>Stored tensors of numbers, and the numbers of a stored tensor.</summary>
internal static class WeightTensorValues
{
    extension(WeightTensor)
    {
        /// <summary>A float32 tensor.</summary>
        public static WeightTensor FromFloats(string name, long[] shape, float[] values) =>
            new WeightTensor(name, Dtypes.F32, shape, MemoryMarshal.AsBytes<float>(values).ToArray()).Checked();

        /// <summary>An int64 tensor.</summary>
        public static WeightTensor FromInt64s(string name, long[] shape, long[] values) =>
            new WeightTensor(name, Dtypes.I64, shape, MemoryMarshal.AsBytes<long>(values).ToArray()).Checked();
    }

    /// <summary>Every value as float32; wider types are rounded.</summary>
    public static float[] ToFloats(this WeightTensor tensor) => [.. Enumerable.Range(0, (int)tensor.Elements).Select(i => Value(tensor, i))];

    private static float Value(WeightTensor tensor, int index)
    {
        var bytes = tensor.Data.Span[(index * Dtypes.ElementSize(tensor.Dtype))..];
        return tensor.Dtype switch
        {
            Dtypes.F64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            Dtypes.F32 => BinaryPrimitives.ReadSingleLittleEndian(bytes),
            Dtypes.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes),
            Dtypes.BF16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes) << 16),
            Dtypes.I64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            Dtypes.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            Dtypes.I16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            Dtypes.I8 => (sbyte)bytes[0],
            Dtypes.U8 or Dtypes.Bool => bytes[0],
            _ => throw new NotSupportedException($"{tensor} has no float values"),
        };
    }
}
