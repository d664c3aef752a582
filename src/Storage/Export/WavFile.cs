using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>RIFF WAVE of 16-bit mono samples.</summary>
public static class WavFile
{
    private const int Header = 44;

    /// <summary>The file's bytes.</summary>
    /// <param name="samples">Mono.</param>
    /// <param name="rate">Hertz.</param>
    public static byte[] Of(ReadOnlySpan<short> samples, int rate)
    {
        var data = MemoryMarshal.AsBytes(samples);
        var file = new byte[Header + data.Length];
        Span<byte> head = file;
        "RIFF"u8.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], file.Length - 8);
        "WAVEfmt "u8.CopyTo(head[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(head[16..], 16); // bytes of the format chunk
        BinaryPrimitives.WriteInt16LittleEndian(head[20..], 1); // PCM
        BinaryPrimitives.WriteInt16LittleEndian(head[22..], 1); // channels
        BinaryPrimitives.WriteInt32LittleEndian(head[24..], rate);
        BinaryPrimitives.WriteInt32LittleEndian(head[28..], rate * sizeof(short));
        BinaryPrimitives.WriteInt16LittleEndian(head[32..], sizeof(short));
        BinaryPrimitives.WriteInt16LittleEndian(head[34..], 8 * sizeof(short));
        "data"u8.CopyTo(head[36..]);
        BinaryPrimitives.WriteInt32LittleEndian(head[40..], data.Length);
        data.CopyTo(head[Header..]);
        return file;
    }
}
