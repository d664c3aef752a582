using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>
/// Reads a closed shard back before it gets its name: rows, byte offsets, every checksum. What it returns was seen on disk, not
/// remembered from writing.
/// </summary>
internal static class ShardSeal
{
    /// <exception cref="CorruptCacheException">What is on disk is not what was written.</exception>
    public static async Task<ShardEntry> VerifyAsync(string file, string path, IReadOnlyList<ShardRow> written, uint writtenCrc, int mels)
    {
        FileDigest digest = FileDigest.Of(file, CancellationToken.None);
        if (digest.Crc != writtenCrc)
        {
            throw new CorruptCacheException(path, null, "file", $"crc {writtenCrc:x8}", $"{digest.Crc:x8}");
        }

        using ShardFile shard = await ShardFile.OpenAsync(file);
        if (shard.Rows != written.Count)
        {
            throw new CorruptCacheException(path, null, "file", $"{written.Count} rows", $"{shard.Rows}");
        }

        shard.RequirePlain(ShardSchema.Frames);
        shard.RequirePlain(ShardSchema.Mel);
        shard.RequirePlain(ShardSchema.Pcm);
        shard.RequirePlain(ShardSchema.FrameCrc);
        shard.RequirePlain(ShardSchema.FrameOffsets);
        long[] frames = new long[shard.Rows];
        long[] mel = new long[shard.Rows];
        using SafeFileHandle handle = File.OpenHandle(file);
        for (int group = 0, first = 0; group < shard.Groups.Count; first += shard.GroupRows(group), group++)
        {
            ShardRow[] rows = await shard.ReadRowsAsync(group, all: true);
            long[] framesAt = shard.LocateValues(group, ShardSchema.Frames, [.. rows.Select(r => r.FramesBytes)]);
            long[] melAt = shard.LocateValues(group, ShardSchema.Mel, [.. rows.Select(r => r.MelBytes(mels))]);
            long[] pcmAt = shard.LocateValues(group, ShardSchema.Pcm, [.. rows.Select(r => r.PcmBytes)]);
            for (int i = 0; i < rows.Length; i++)
            {
                Compare(path, first + i, written[first + i], rows[i]);
                foreach ((string column, string expected, string got) in RowPayload.Check(handle, rows[i], mels, framesAt[i], melAt[i], pcmAt[i]))
                {
                    throw new CorruptCacheException(path, first + i, column, expected, got);
                }
            }

            framesAt.CopyTo(frames, first);
            melAt.CopyTo(mel, first);
        }

        long footer = shard.Groups.Count == 0 ? 4 : shard.Groups[^1][^1].End;
        return new ShardEntry
        {
            Path = path,
            Rows = shard.Rows,
            Bytes = digest.Bytes,
            Sha256 = digest.Sha256,
            IdsSha256 = IdsHash(written.Select(r => r.Id)),
            FooterOffset = footer,
            FooterCrc = FileDigest.TailCrc(file, footer),
            Offsets = frames,
            MelOffsets = mel,
        };
    }

    /// <summary>SHA-256 of ids in row order, each followed by a line feed.</summary>
    public static string IdsHash(IEnumerable<string> ids) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(ids.Select(id => id + "\n")))));

    private static void Compare(string path, long row, ShardRow written, ShardRow read)
    {
        if (read.Id != written.Id)
        {
            throw new CorruptCacheException(path, row, "id", written.Id, read.Id);
        }

        uint crc = read.ComputeCrc();
        if (crc != written.Crc || read.Crc != written.Crc)
        {
            throw new CorruptCacheException(path, row, "crc", $"{written.Crc:x8}", $"{crc:x8}");
        }
    }
}
