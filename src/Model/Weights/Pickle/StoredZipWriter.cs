using System.Buffers.Binary;
using System.Text;
using ICSharpCode.SharpZipLib.Checksum;

namespace Xkd.Model.Weights;

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
            throw new IOException("a .pth file is limited to 4 GiB here; write .safetensors instead");

        var checksum = new Crc32();
        foreach (var chunk in Chunks(data.Length))
            checksum.Update(new ArraySegment<byte>(data[chunk].ToArray()));

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
            yield return start..Math.Min(length, start + (1 << 20));
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        _position += bytes.Length;
    }
}
