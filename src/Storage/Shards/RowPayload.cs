using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Holds a row's payload on disk against the checksums its row carries.</summary>
internal static class RowPayload
{
    /// <summary>The first damage in one payload column's value at <paramref name="offset"/>; null when it is as committed.</summary>
    public static (string Expected, string Got)? CheckColumn(SafeFileHandle file, ShardRow row, int mels, string column, long offset, CancellationToken ct = default) =>
        column switch
        {
            "mel" => Check(file, offset, row.MelBytes(mels), row.MelCrc, "", ct),
            "pcm" => Check(file, offset, row.PcmBytes, row.PcmCrc, "", ct),
            _ => CheckFrames(file, row, offset, ct),
        };

    private static (string Expected, string Got)? CheckFrames(SafeFileHandle file, ShardRow row, long offset, CancellationToken ct)
    {
        for (var i = 0; i < row.NumFrames; i++)
        {
            (var begin, var length) = row.Frame(i).GetOffsetAndLength(int.MaxValue);
            var expected = BinaryPrimitives.ReadUInt32LittleEndian(row.FrameCrc.AsSpan(i * sizeof(uint)));
            if (Check(file, offset + begin, length, expected, $"frame {i} ", ct) is { } damage)
            {
                return damage;
            }
        }

        return null;
    }

    // A file that ends too early counts as its shorter bytes.
    private static (string Expected, string Got)? Check(SafeFileHandle file, long offset, int length, uint expected, string what, CancellationToken ct)
    {
        var got = FileDigest.Crc32COf(file, offset, length, ct);
        return got.Bytes == length && got.Crc == expected ? null : ($"{what}crc {expected:x8}", got.Bytes == length ? $"{got.Crc:x8}" : $"the file's end after {got.Bytes} bytes");
    }
}
