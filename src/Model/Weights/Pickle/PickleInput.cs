using System.Buffers.Binary;
using System.Text;

namespace Xkd.Model.Weights;

/// <summary>The bytes of a pickle. Nothing is allocated for a length the remaining bytes cannot hold.</summary>
internal sealed class PickleInput(Stream stream, long length)
{
    private const int LongestLine = 1024;

    /// <summary>Bytes not yet read.</summary>
    public long Remaining { get; private set; } = length;

    public byte Byte()
    {
        Take(1);
        var value = stream.ReadByte();
        return value >= 0 ? (byte)value : throw Truncated();
    }

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8));

    public double DoubleBigEndian() => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8));

    public byte[] Bytes(long count)
    {
        Take(count);
        var bytes = new byte[count];
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw Truncated();
        return bytes;
    }

    public string Text(long count)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Bytes(count));
        }
        catch (DecoderFallbackException)
        {
            throw new PickleFormatException("a string is not UTF-8");
        }
    }

    /// <summary>Passes over bytes that are there; the caller moves the stream.</summary>
    public void Skip(long count) => Take(count);

    /// <summary>Up to the next line feed, which is not part of the text.</summary>
    public string Line()
    {
        var line = new StringBuilder();
        for (var value = Byte(); value != '\n'; value = Byte())
        {
            if (value >= 0x80 || line.Length == LongestLine)
                throw new PickleFormatException("a global's name is not plain text");
            line.Append((char)value);
        }

        return line.ToString();
    }

    private void Take(long count)
    {
        if (count < 0 || count > Remaining)
            throw Truncated();
        Remaining -= count;
    }

    private PickleFormatException Truncated() => new($"the pickle is truncated ({Remaining} bytes remain)");
}
