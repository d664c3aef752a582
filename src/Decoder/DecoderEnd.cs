using System.Buffers.Binary;

namespace Xkd.Decoder;

/// <summary>What a decoder says of a source it decoded.</summary>
/// <param name="Width">Pixels of a frame; 0 where there is none.</param>
/// <param name="Height">Pixels of a frame; 0 where there is none.</param>
/// <param name="Seconds">The duration the container declares; NaN where it declares none.</param>
public readonly record struct DecoderEnd(int Width, int Height, double Seconds)
{
    /// <summary>Bytes of the payload.</summary>
    public const int Bytes = 16;

    /// <summary>Writes the payload.</summary>
    public void Write(Span<byte> payload)
    {
        BinaryPrimitives.WriteInt32LittleEndian(payload, Width);
        BinaryPrimitives.WriteInt32LittleEndian(payload[4..], Height);
        BinaryPrimitives.WriteDoubleLittleEndian(payload[8..], Seconds);
    }

    /// <summary>Reads the payload.</summary>
    public static DecoderEnd Read(ReadOnlySpan<byte> payload) => new(
        BinaryPrimitives.ReadInt32LittleEndian(payload), BinaryPrimitives.ReadInt32LittleEndian(payload[4..]), BinaryPrimitives.ReadDoubleLittleEndian(payload[8..]));
}
