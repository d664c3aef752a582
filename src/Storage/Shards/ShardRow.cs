using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Xkd.Storage;

/// <summary>The columns of a row without its payload (frames, mel, pcm), as written and as read back.</summary>
internal sealed record ShardRow
{
    public required string Id { get; init; }

    public required string Source { get; init; }

    public string? Label { get; init; }

    public IReadOnlyList<string> Labels { get; init; } = [];

    public string? Split { get; init; }

    public IReadOnlyList<string> Folds { get; init; } = [];

    public double Start { get; init; }

    public double Duration { get; init; }

    public double Fps { get; init; }

    public int Width { get; init; }

    public int Height { get; init; }

    public int NumFrames { get; init; }

    public int MelFrames { get; init; }

    public int NumSamples { get; init; }

    public int AudioRate { get; init; }

    public uint MelCrc { get; init; }

    public uint PcmCrc { get; init; }

    /// <summary>The column <c>crc</c>; see <see cref="ComputeCrc"/>.</summary>
    public uint Crc { get; init; }

    /// <summary>CRC-32C of each stored frame, uint32 little endian.</summary>
    public byte[] FrameCrc { get; init; } = [];

    /// <summary>Where each JPEG begins and the last ends, uint32 little endian; empty for raw frames.</summary>
    public byte[] FrameOffsets { get; init; } = [];

    /// <summary>Bytes of the frames value.</summary>
    public int FramesBytes => checked(FrameOffsets.Length > 0 ? (int)BinaryPrimitives.ReadUInt32LittleEndian(FrameOffsets.AsSpan(^sizeof(uint)..)) : NumFrames * Height * Width * 3);

    /// <summary>Bytes of the mel value: float16 <c>[mels, frames]</c>.</summary>
    public int MelBytes(int mels) => checked(MelFrames * mels * 2);

    /// <summary>Bytes of the pcm value.</summary>
    public int PcmBytes => checked(NumSamples * sizeof(short));

    /// <summary>Where a stored frame lies within the frames value.</summary>
    public Range Frame(int index)
    {
        if (FrameOffsets.Length > 0)
        {
            var offsets = MemoryMarshal.Cast<byte, uint>(FrameOffsets);
            return checked((int)offsets[index]..(int)offsets[index + 1]);
        }

        var stride = Height * Width * 3;
        return checked(index * stride)..checked((index + 1) * stride);
    }

    /// <summary>
    /// CRC-32C over every other column: the payload enters by its own checksums, a text as its length and UTF-8 bytes (length −1 for null),
    /// a list as its count and texts, numbers as they are in memory, little endian.
    /// </summary>
    public uint ComputeCrc()
    {
        uint crc = 0;
        AddText(ref crc, Id);
        AddText(ref crc, Source);
        AddText(ref crc, Label);
        AddTexts(ref crc, Labels);
        AddText(ref crc, Split);
        AddTexts(ref crc, Folds);
        ReadOnlySpan<double> seconds = [Start, Duration, Fps];
        ReadOnlySpan<int> counts = [Width, Height, NumFrames, MelFrames, NumSamples, AudioRate, (int)MelCrc, (int)PcmCrc];
        crc = Crc32C.Append(crc, MemoryMarshal.AsBytes(seconds));
        crc = Crc32C.Append(crc, MemoryMarshal.AsBytes(counts));
        AddBytes(ref crc, FrameCrc);
        AddBytes(ref crc, FrameOffsets);
        return crc;
    }

    private static void AddTexts(ref uint crc, IReadOnlyList<string> texts)
    {
        AddNumber(ref crc, texts.Count);
        foreach (var text in texts)
        {
            AddText(ref crc, text);
        }
    }

    private static void AddText(ref uint crc, string? text)
    {
        if (text is null)
        {
            AddNumber(ref crc, -1);
            return;
        }

        AddBytes(ref crc, Encoding.UTF8.GetBytes(text));
    }

    private static void AddBytes(ref uint crc, ReadOnlySpan<byte> bytes)
    {
        AddNumber(ref crc, bytes.Length);
        crc = Crc32C.Append(crc, bytes);
    }

    private static void AddNumber(ref uint crc, int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        crc = Crc32C.Append(crc, bytes);
    }
}
