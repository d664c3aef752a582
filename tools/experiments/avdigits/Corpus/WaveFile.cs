using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary>Plain 16-bit mono RIFF files; everything else is ffmpeg's.</summary>
internal static class WaveFile
{
    private const int ChunkHead = 8, FormatBytes = 16, Pcm = 1;

    /// <exception cref="FailureException">The file is damaged or of another format; the message says what it is.</exception>
    public static short[] ReadMono16(string path, int sampleRate)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        if (file.Length < 12 || !file[..4].SequenceEqual("RIFF"u8) || !file[8..12].SequenceEqual("WAVE"u8))
        {
            throw new FailureException($"{path} is no RIFF wave file; fetch it again");
        }

        var known = false;
        for (var at = 12; at + ChunkHead <= file.Length;)
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 4)..]);
            if (size > file.Length - at - ChunkHead)
            {
                throw new FailureException($"{path} ends in the middle of a chunk; fetch it again");
            }

            var content = file.Slice(at + ChunkHead, (int)size);
            if (file.Slice(at, 4).SequenceEqual("fmt "u8) && content.Length >= FormatBytes)
            {
                var (format, channels) = (BinaryPrimitives.ReadUInt16LittleEndian(content), BinaryPrimitives.ReadUInt16LittleEndian(content[2..]));
                var (rate, bits) = (BinaryPrimitives.ReadUInt32LittleEndian(content[4..]), BinaryPrimitives.ReadUInt16LittleEndian(content[14..]));
                known = (format, channels, bits) == (Pcm, 1, 16) && rate == sampleRate
                    ? true
                    : throw new FailureException($"{path} has format {format}, {channels} channels, {bits} bits, {rate} Hz; PCM, 1 channel, 16 bits and {sampleRate} Hz are needed");
            }
            else if (file.Slice(at, 4).SequenceEqual("data"u8) && known)
            {
                return MemoryMarshal.Cast<byte, short>(content).ToArray();
            }

            at += ChunkHead + (int)size + ((int)size & 1);
        }

        throw new FailureException($"{path} has no samples; fetch it again");
    }
}
