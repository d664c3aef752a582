using System.Buffers.Binary;

namespace Xkd.Storage;

/// <summary>
/// Walks a Parquet file's footer (Thrift, compact protocol) before it is parsed: Parquet.Net takes memory for every length it is told, gigabytes for a few bytes that lie.
/// </summary>
internal static class ParquetFooter
{
    private const int TailBytes = 8; // its length, PAR1
    private const int MostDeep = 32;

    /// <exception cref="InvalidDataException">It ends before, or a length in it reaches past, its end.</exception>
    public static void Require(Stream file)
    {
        Span<byte> tail = stackalloc byte[TailBytes];
        var end = file.Length - TailBytes;
        file.Seek(Math.Max(0, end), SeekOrigin.Begin);
        file.ReadExactly(tail);
        var bytes = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (bytes > end || bytes > Array.MaxLength || !tail[4..].SequenceEqual("PAR1"u8))
        {
            throw new InvalidDataException($"no Parquet footer of {bytes} bytes");
        }

        var footer = new byte[bytes];
        file.Seek(end - bytes, SeekOrigin.Begin);
        file.ReadExactly(footer);
        file.Seek(0, SeekOrigin.Begin);
        ReadOnlySpan<byte> rest = footer;
        SkipStruct(ref rest, 0);
    }

    private static void SkipStruct(ref ReadOnlySpan<byte> rest, int depth)
    {
        for (byte field; (field = Byte(ref rest)) != 0;)
        {
            if (field >> 4 == 0)
            {
                Number(ref rest); // the field's id, where it does not follow the one before
            }

            if ((field & 15) > 2)
            {
                Skip(ref rest, field & 15, depth); // 1 and 2 are true and false
            }
        }
    }

    private static void Skip(ref ReadOnlySpan<byte> rest, int type, int depth)
    {
        if (depth > MostDeep)
        {
            throw new InvalidDataException("a footer without end");
        }

        switch (type)
        {
            case 1 or 2 or 3: // booleans of a list, byte
                Forward(ref rest, 1);
                break;
            case 4 or 5 or 6: // i16, i32, i64
                Number(ref rest);
                break;
            case 7: // double
                Forward(ref rest, sizeof(double));
                break;
            case 8: // text
                Forward(ref rest, Number(ref rest));
                break;
            case 9 or 10: // list, set
                var header = Byte(ref rest);
                var items = header >> 4 == 15 ? Number(ref rest) : (ulong)(header >> 4);
                Forward(ref rest, 0, items);
                for (ulong i = 0; i < items; i++)
                {
                    Skip(ref rest, header & 15, depth + 1);
                }

                break;
            case 12:
                SkipStruct(ref rest, depth + 1);
                break;
            default:
                throw new InvalidDataException($"type {type} in the footer");
        }
    }

    private static byte Byte(ref ReadOnlySpan<byte> rest)
    {
        var first = rest.IsEmpty ? throw new InvalidDataException("a footer that breaks off") : rest[0];
        rest = rest[1..];
        return first;
    }

    private static ulong Number(ref ReadOnlySpan<byte> rest)
    {
        ulong number = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Byte(ref rest);
            number |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return number;
            }
        }

        throw new InvalidDataException("a number without end in the footer");
    }

    // Every item of a list takes a byte at least.
    private static void Forward(ref ReadOnlySpan<byte> rest, ulong bytes, ulong atLeast = 0)
    {
        if (Math.Max(bytes, atLeast) > (ulong)rest.Length)
        {
            throw new InvalidDataException($"a length of {Math.Max(bytes, atLeast)} in the last {rest.Length} bytes of the footer");
        }

        rest = rest[(int)bytes..];
    }
}
