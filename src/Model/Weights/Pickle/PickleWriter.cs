using System.Buffers.Binary;
using System.Text;
using ICSharpCode.SharpZipLib.Checksum;

namespace Xkd.Model.Weights;

/// <summary>Writes the one pickle an export needs: an OrderedDict of tensors, protocol 2, as <c>torch.save</c> would.</summary>
internal static class PickleWriter
{
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
        pickle.Write(Encoding.ASCII.GetBytes($"ctorch\n{Dtypes.Storage(tensor.Dtype)}\n"));
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
        {
            Integer(pickle, value);
        }

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

/// <summary>
/// A zip archive of stored records whose data start at multiples of 64 bytes, as PyTorch writes and maps them. Neither zip library at hand can align a record.
/// </summary>
/// <remarks>PKWARE APPNOTE 6.3.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end). Without zip64: up to 4 GiB.</remarks>
internal sealed class StoredZipWriter(Stream stream)
{
    private const int Alignment = 64;
    private const ushort PaddingField = 0x4246; // "FB", the extra field PyTorch pads with
    private const ushort DosEpoch = 0x21;       // 1980-01-01

    private readonly List<(byte[] Name, uint Checksum, uint Length, uint Offset)> _records = [];
    private long _position;

    /// <summary>Appends a record.</summary>
    /// <exception cref="IOException">The archive would pass 4 GiB.</exception>
    public void Add(string name, ReadOnlySpan<byte> data)
    {
        var utf8 = Encoding.UTF8.GetBytes(name);
        var header = 30 + utf8.Length + 4;
        var padding = (int)((Alignment - ((_position + header) % Alignment)) % Alignment);
        if (_position + header + padding + data.Length > uint.MaxValue - (1 << 24))
        {
            throw new IOException("a .pth file is limited to 4 GiB here; write .safetensors instead");
        }

        var checksum = new Crc32();
        foreach (var chunk in Chunks(data.Length))
        {
            checksum.Update(new ArraySegment<byte>(data[chunk].ToArray()));
        }

        _records.Add((utf8, (uint)checksum.Value, (uint)data.Length, (uint)_position));
        Span<byte> local = stackalloc byte[30];
        BinaryPrimitives.WriteUInt32LittleEndian(local, 0x04034b50);
        Common(local[4..], _records[^1]);
        BinaryPrimitives.WriteUInt16LittleEndian(local[28..], (ushort)(4 + padding));
        Write(local);
        Write(utf8);
        Span<byte> extra = stackalloc byte[4 + padding];
        BinaryPrimitives.WriteUInt16LittleEndian(extra, PaddingField);
        BinaryPrimitives.WriteUInt16LittleEndian(extra[2..], (ushort)padding);
        extra[4..].Fill((byte)'Z');
        Write(extra);
        Write(data);
    }

    /// <summary>Writes the directory; nothing may be added afterwards.</summary>
    public void Finish()
    {
        var start = _position;
        Span<byte> central = stackalloc byte[46];
        foreach (var record in _records)
        {
            central.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(central, 0x02014b50);
            Common(central[6..], record);
            BinaryPrimitives.WriteUInt32LittleEndian(central[42..], record.Offset);
            Write(central);
            Write(record.Name);
        }

        Span<byte> end = stackalloc byte[22];
        end.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteUInt16LittleEndian(end[8..], checked((ushort)_records.Count));
        BinaryPrimitives.WriteUInt16LittleEndian(end[10..], checked((ushort)_records.Count));
        BinaryPrimitives.WriteUInt32LittleEndian(end[12..], (uint)(_position - start));
        BinaryPrimitives.WriteUInt32LittleEndian(end[16..], (uint)start);
        Write(end);
    }

    // The fields both headers share: version needed, flags, method (stored), time, date, checksum, sizes, name length.
    private static void Common(Span<byte> fields, (byte[] Name, uint Checksum, uint Length, uint Offset) record)
    {
        fields[..22].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(fields, 20);
        BinaryPrimitives.WriteUInt16LittleEndian(fields[2..], 0x0800); // names are UTF-8
        BinaryPrimitives.WriteUInt16LittleEndian(fields[8..], DosEpoch);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[10..], record.Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[14..], record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(fields[18..], record.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(fields[22..], (ushort)record.Name.Length);
    }

    // The checksum takes arrays only: a megabyte at a time rather than a copy of the whole tensor.
    private static IEnumerable<Range> Chunks(int length)
    {
        for (var start = 0; start < length; start += 1 << 20)
        {
            yield return start..Math.Min(length, start + (1 << 20));
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        _position += bytes.Length;
    }
}
