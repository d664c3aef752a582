using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Holds a row's payload on disk against the checksums its row carries.</summary>
internal static class RowPayload
{
    /// <summary>The first damage of each payload column; nothing when all is as committed.</summary>
    public static IEnumerable<(string Column, string Expected, string Got)> Check(SafeFileHandle file, ShardRow row, int mels, long framesOffset, long melOffset, long pcmOffset)
    {
        if (Compare(file, melOffset, row.MelBytes(mels), row.MelCrc) is uint mel)
        {
            yield return ("mel", $"crc {row.MelCrc:x8}", $"{mel:x8}");
        }

        if (Compare(file, pcmOffset, row.PcmBytes, row.PcmCrc) is uint pcm)
        {
            yield return ("pcm", $"crc {row.PcmCrc:x8}", $"{pcm:x8}");
        }

        for (int i = 0; i < row.NumFrames; i++)
        {
            (int begin, int length) = row.Frame(i).GetOffsetAndLength(int.MaxValue);
            uint expected = BinaryPrimitives.ReadUInt32LittleEndian(row.FrameCrc.AsSpan(i * sizeof(uint)));
            if (Compare(file, framesOffset + begin, length, expected) is uint got)
            {
                yield return ("frames", $"frame {i} crc {expected:x8}", $"{got:x8}");
                yield break;
            }
        }
    }

    // The checksum found when it is another than expected; a file that ends too early counts as its shorter bytes.
    private static uint? Compare(SafeFileHandle file, long offset, int length, uint expected)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            uint crc = 0;
            for (int done = 0; done < length;)
            {
                int read = RandomAccess.Read(file, buffer.AsSpan(0, Math.Min(buffer.Length, length - done)), offset + done);
                if (read == 0)
                {
                    return crc == expected ? ~crc : crc;
                }

                crc = Crc32C.Append(crc, buffer.AsSpan(0, read));
                done += read;
            }

            return crc == expected ? null : crc;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
