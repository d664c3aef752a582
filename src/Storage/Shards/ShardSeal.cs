using System.Security.Cryptography;
using System.Text;

namespace Xkd.Storage;

/// <summary>
/// Reads a closed shard back before it gets its name: rows, byte offsets, every checksum. What it returns was seen on disk, not
/// remembered from writing.
/// </summary>
internal static class ShardSeal
{
    /// <exception cref="CorruptCacheException">What is on disk is not what was written.</exception>
    public static async Task<ShardEntry> VerifyAsync(string file, string path, IReadOnlyList<ShardRow> written, IReadOnlyList<RowPlace> places, long footer, uint writtenCrc, int mels)
    {
        var digest = FileDigest.Of(file, CancellationToken.None);
        if (digest.Crc != writtenCrc)
        {
            throw new CorruptCacheException(path, null, "file", $"crc {writtenCrc:x8}", $"{digest.Crc:x8}");
        }

        using var shard = await ShardFile.OpenAsync(file);
        if (shard.Rows != written.Count)
        {
            throw new CorruptCacheException(path, null, "file", $"{written.Count} rows", $"{shard.Rows}");
        }

        shard.RequireAllPlain();
        using var handle = File.OpenHandle(file);
        for (int group = 0, first = 0; group < shard.Groups.Count; first += shard.GroupRows(group), group++)
        {
            var rows = await shard.ReadRowsAsync(group);
            var found = shard.Locate(group, rows, mels);
            for (var i = 0; i < rows.Length; i++)
            {
                Compare(path, first + i, written[first + i], rows[i]);
                if (found[i] != places[first + i])
                {
                    throw new CorruptCacheException(path, first + i, "frames", $"{places[first + i]}", $"{found[i]}");
                }

                Require(path, first + i, "frames", RowPayload.CheckColumn(handle, rows[i], mels, "frames", found[i].Frames));
                Require(path, first + i, "mel", RowPayload.CheckColumn(handle, rows[i], mels, "mel", found[i].Mel));
                Require(path, first + i, "pcm", RowPayload.CheckColumn(handle, rows[i], mels, "pcm", found[i].Pcm));
            }
        }

        return new ShardEntry
        {
            Path = path,
            Rows = shard.Rows,
            Bytes = digest.Bytes,
            Sha256 = digest.Sha256,
            IdsSha256 = IdsHash(written.Select(r => r.Id)),
            FooterOffset = footer,
            FooterCrc = FileDigest.Crc32COf(handle, footer, digest.Bytes - footer).Crc,
            Offsets = [.. places.Select(p => p.Frames)],
            MelOffsets = [.. places.Select(p => p.Mel)],
        };
    }

    /// <summary>SHA-256 of ids in row order, each followed by a line feed.</summary>
    public static string IdsHash(IEnumerable<string> ids) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(ids.Select(id => id + "\n")))));

    private static void Require(string path, long row, string column, (string Expected, string Got)? damage)
    {
        if (damage is { } found)
        {
            throw new CorruptCacheException(path, row, column, found.Expected, found.Got);
        }
    }

    private static void Compare(string path, long row, ShardRow written, ShardRow read)
    {
        if (read.Id != written.Id)
        {
            throw new CorruptCacheException(path, row, "id", written.Id, read.Id);
        }

        var crc = read.ComputeCrc();
        if (crc != written.Crc || read.Crc != written.Crc)
        {
            throw new CorruptCacheException(path, row, "crc", $"{written.Crc:x8}", $"{crc:x8}");
        }
    }
}
