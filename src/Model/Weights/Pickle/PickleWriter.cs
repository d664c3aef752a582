using System.IO.Hashing;
using System.Text;

namespace Xkd.Model.Weights;

/// <summary>Writes the one pickle an export needs: an OrderedDict of tensors, protocol 2, as <c>torch.save</c> would.</summary>
internal static class PickleWriter
{
    /// <summary>The pickle; tensor number <c>i</c> lies in storage <c>i</c>.</summary>
    /// <param name="tensors">The entries.</param>
    /// <param name="metadata">Texts that become part of the dict's <c>_metadata</c>, where PyTorch looks up its modules' names and nothing else.</param>
    public static byte[] StateDict(IReadOnlyList<WeightTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var stream = new MemoryStream();
        using var pickle = new BinaryWriter(stream); // little-endian
        pickle.Write([0x80, 2]);
        EmptyOrderedDict(pickle);
        pickle.Write((byte)'(');
        foreach (var (storage, tensor) in tensors.Index())
        {
            Text(pickle, tensor.Name);
            Tensor(pickle, tensor, storage);
        }

        pickle.Write((byte)'u');
        if (metadata.Count > 0)
        {
            // {'_metadata': OrderedDict(…)}, then BUILD: the attributes of the state dict.
            pickle.Write("}"u8);
            Text(pickle, "_metadata");
            EmptyOrderedDict(pickle);
            pickle.Write((byte)'(');
            foreach (var (key, value) in metadata)
            {
                Text(pickle, key);
                Text(pickle, value);
            }

            pickle.Write("usb"u8);
        }

        pickle.Write((byte)'.');
        return stream.ToArray();
    }

    private static void Tensor(BinaryWriter pickle, WeightTensor tensor, int storage)
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
        pickle.Write((byte)0x89);
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

    private static void EmptyOrderedDict(BinaryWriter pickle) => pickle.Write("ccollections\nOrderedDict\n)R"u8);

    private static void Integers(BinaryWriter pickle, long[] values)
    {
        pickle.Write((byte)'(');
        Array.ForEach(values, value => Integer(pickle, value));
        pickle.Write((byte)'t');
    }

    private static void Integer(BinaryWriter pickle, long value)
    {
        if (value <= int.MaxValue)
        {
            pickle.Write((byte)'J');
            pickle.Write((int)value);
        }
        else
        {
            pickle.Write([0x8a, 8]);
            pickle.Write(value);
        }
    }

    private static void Text(BinaryWriter pickle, string value)
    {
        var utf8 = Encoding.UTF8.GetBytes(value);
        pickle.Write((byte)'X');
        pickle.Write(utf8.Length);
        pickle.Write(utf8);
    }
}

/// <summary>
/// A zip archive of stored records whose data start at multiples of 64 bytes, as PyTorch writes and maps them. Neither zip library at hand can align a record.
/// </summary>
/// <remarks>PKWARE APPNOTE 6.3.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end). Without zip64: up to 4 GiB.</remarks>
internal sealed class StoredZipWriter(Stream stream) : IDisposable
{
    private const int Alignment = 64;
    private const ushort PaddingField = 0x4246; // "FB", the extra field PyTorch pads with
    private const ushort DosEpoch = 0x21;       // 1980-01-01
    private const ushort Zero = 0;

    private readonly List<(byte[] Name, uint Checksum, uint Length, uint Offset)> _records = [];
    private readonly BinaryWriter _output = new(stream, Encoding.UTF8, leaveOpen: true); // little-endian

    /// <summary>Appends a record.</summary>
    /// <exception cref="IOException">The archive would pass 4 GiB.</exception>
    public void Add(string name, ReadOnlySpan<byte> data)
    {
        var utf8 = Encoding.UTF8.GetBytes(name);
        var header = stream.Position + 30 + utf8.Length + 4;
        var padding = (int)((Alignment - (header % Alignment)) % Alignment);
        if (header + padding + data.Length > uint.MaxValue - (1 << 24))
        {
            throw new IOException("a .pth file is limited to 4 GiB here; write .safetensors instead");
        }

        _records.Add((utf8, Crc32.HashToUInt32(data), (uint)data.Length, (uint)stream.Position));
        _output.Write(0x04034b50);
        Common(_records[^1]);
        _output.Write((ushort)(4 + padding));
        _output.Write(utf8);
        _output.Write(PaddingField);
        _output.Write((ushort)padding);
        _output.Write([.. Enumerable.Repeat((byte)'Z', padding)]);
        _output.Write(data);
    }

    /// <summary>Writes the directory; nothing may be added afterwards.</summary>
    public void Finish()
    {
        var start = stream.Position;
        foreach (var record in _records)
        {
            _output.Write(0x02014b50);
            _output.Write(Zero); // made by
            Common(record);
            _output.Write(new byte[12]); // no extra field, comment, disk, attributes
            _output.Write(record.Offset);
            _output.Write(record.Name);
        }

        var length = (uint)(stream.Position - start);
        _output.Write(0x06054b50);
        _output.Write(0); // of one disk
        _output.Write(checked((ushort)_records.Count));
        _output.Write((ushort)_records.Count);
        _output.Write(length);
        _output.Write((uint)start);
        _output.Write(Zero); // no comment
    }

    public void Dispose() => _output.Dispose();

    // The fields both headers share: version needed, flags (names are UTF-8), method (stored), time, date, checksum, sizes, name length.
    private void Common((byte[] Name, uint Checksum, uint Length, uint Offset) record)
    {
        foreach (var field in (ReadOnlySpan<ushort>)[20, 0x0800, 0, 0, DosEpoch])
        {
            _output.Write(field);
        }

        _output.Write(record.Checksum);
        _output.Write(record.Length);
        _output.Write(record.Length);
        _output.Write((ushort)record.Name.Length);
    }
}
