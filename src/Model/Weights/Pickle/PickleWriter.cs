using System.Buffers.Binary;
using System.Text;

namespace Xkd.Model.Weights;

/// <summary>Writes the one pickle an export needs: an OrderedDict of tensors, protocol 2, as <c>torch.save</c> would.</summary>
internal static class PickleWriter
{
    private static readonly Dictionary<string, string> Storages = new(StringComparer.Ordinal)
    {
        [Dtypes.F64] = "DoubleStorage",
        [Dtypes.F32] = "FloatStorage",
        [Dtypes.F16] = "HalfStorage",
        [Dtypes.BF16] = "BFloat16Storage",
        [Dtypes.I64] = "LongStorage",
        [Dtypes.I32] = "IntStorage",
        [Dtypes.I16] = "ShortStorage",
        [Dtypes.I8] = "CharStorage",
        [Dtypes.U8] = "ByteStorage",
        [Dtypes.Bool] = "BoolStorage",
    };

    /// <summary>The pickle; tensor number <c>i</c> lies in storage <c>i</c>.</summary>
    /// <param name="tensors">The entries.</param>
    /// <param name="metadata">Texts that become part of the dict's <c>_metadata</c>, where PyTorch looks up its modules' names and nothing else.</param>
    public static byte[] StateDict(IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var pickle = new MemoryStream();
        pickle.Write([0x80, 2]);
        EmptyOrderedDict(pickle);
        pickle.WriteByte((byte)'(');
        for (var i = 0; i < tensors.Count; i++)
        {
            Text(pickle, tensors[i].Name);
            Tensor(pickle, tensors[i], i);
        }

        pickle.WriteByte((byte)'u');
        if (metadata.Count > 0)
        {
            // {'_metadata': OrderedDict(…)}, then BUILD: the attributes of the state dict.
            pickle.Write("}"u8);
            Text(pickle, "_metadata");
            EmptyOrderedDict(pickle);
            pickle.WriteByte((byte)'(');
            foreach (var (key, value) in metadata)
            {
                Text(pickle, key);
                Text(pickle, value);
            }

            pickle.Write("usb"u8);
        }

        pickle.WriteByte((byte)'.');
        return pickle.ToArray();
    }

    private static void Tensor(MemoryStream pickle, WeightTensor tensor, int storage)
    {
        pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
        Text(pickle, "storage");
        pickle.Write(Encoding.ASCII.GetBytes($"ctorch\n{Storages[tensor.Dtype]}\n"));
        Text(pickle, storage.ToString());
        Text(pickle, "cpu");
        Integer(pickle, tensor.Elements);
        pickle.Write("tQ"u8);
        Integer(pickle, 0);
        Integers(pickle, tensor.Shape);
        Integers(pickle, Strides(tensor.Shape));
        pickle.WriteByte(0x89);
        EmptyOrderedDict(pickle);
        pickle.Write("tR"u8);
    }

    private static long[] Strides(long[] shape)
    {
        var strides = new long[shape.Length];
        var stride = 1L;
        for (var d = shape.Length - 1; d >= 0; d--)
        {
            strides[d] = stride;
            stride *= Math.Max(shape[d], 1);
        }

        return strides;
    }

    private static void EmptyOrderedDict(MemoryStream pickle) => pickle.Write("ccollections\nOrderedDict\n)R"u8);

    private static void Integers(MemoryStream pickle, long[] values)
    {
        pickle.WriteByte((byte)'(');
        foreach (var value in values)
            Integer(pickle, value);
        pickle.WriteByte((byte)'t');
    }

    private static void Integer(MemoryStream pickle, long value)
    {
        Span<byte> bytes = stackalloc byte[10];
        if (value <= int.MaxValue)
        {
            bytes[0] = (byte)'J';
            BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], (int)value);
            pickle.Write(bytes[..5]);
        }
        else
        {
            bytes[0] = 0x8a;
            bytes[1] = 8;
            BinaryPrimitives.WriteInt64LittleEndian(bytes[2..], value);
            pickle.Write(bytes);
        }
    }

    private static void Text(MemoryStream pickle, string value)
    {
        var utf8 = Encoding.UTF8.GetBytes(value);
        Span<byte> length = stackalloc byte[5];
        length[0] = (byte)'X';
        BinaryPrimitives.WriteInt32LittleEndian(length[1..], utf8.Length);
        pickle.Write(length);
        pickle.Write(utf8);
    }
}
