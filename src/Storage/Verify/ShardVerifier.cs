using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>
/// Finds where a shard's bytes differ from what was committed. The SHA-256 says whether; then, from coarse to fine: the footer's CRC, the CRC of
/// each column of each row group (kept in the footer), and within a column the rows' own checksums. Where it is as committed, what readers go by is held
/// against it: whoever can sign a manifest can sign one for a shard whose row index, columns and checksums disagree.
/// </summary>
internal static class ShardVerifier
{
    private const int Magic = 4;

    /// <param name="path">Where the file lies.</param>
    /// <param name="manifest">The version.</param>
    /// <param name="index">Which of its shards.</param>
    /// <param name="texts">Labels and the like, kept once for all clips.</param>
    /// <param name="clips">Receives the rows of a shard that is as committed.</param>
    /// <param name="ct">Ends the work between two pieces.</param>
    /// <exception cref="CorruptCacheException">The shard's row index says what cannot be.</exception>
    public static List<VerifyError> Verify(string path, Manifest manifest, int index, ConcurrentDictionary<string, string> texts, List<ClipEntry> clips, CancellationToken ct)
    {
        var shard = manifest.Shards[index];
        if (!File.Exists(path))
        {
            return [new VerifyError(shard.Path, null, "file", $"{shard.Bytes} bytes", "no file")];
        }

        var digest = FileDigest.Of(path, ct);
        List<VerifyError> errors = [];
        if (digest.Bytes == shard.Bytes && digest.Sha256 == shard.Sha256)
        {
            using var file = File.OpenHandle(path);
            var tail = FileDigest.Tail(file, shard.FooterOffset, shard.Bytes - shard.FooterOffset);
            clips.AddRange(ClipIndex.Parse(tail, manifest, index, texts));
            errors.AddRange(Parsed(shard, () => Contents(path, file, tail, shard, manifest.Fingerprint, ct)));
            return errors;
        }

        if (digest.Bytes != shard.Bytes)
        {
            errors.Add(new VerifyError(shard.Path, null, "file", $"{shard.Bytes} bytes", $"{digest.Bytes} bytes"));
        }

        errors.AddRange(Parsed(shard, () => Locate(path, shard, manifest.Fingerprint, digest.Bytes, ct)));
        return errors.Count > 0 ? errors : [new VerifyError(shard.Path, null, "file", $"sha256 {shard.Sha256}", digest.Sha256)];
    }

    // A Parquet file that was signed as it is, but is none, ends in whatever the parsing runs into; where a page tells a length that lies, in too little memory.
    private static VerifyError[] Parsed(ShardEntry shard, Func<IEnumerable<VerifyError>> look)
    {
        try
        {
            return [.. look()];
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return [new VerifyError(shard.Path, null, "footer", "columns that can be read", e.Message)];
        }
    }

    private static IEnumerable<VerifyError> Contents(string path, SafeFileHandle file, byte[] tail, ShardEntry shard, Fingerprint fingerprint, CancellationToken ct)
    {
        using var opened = ShardFile.OpenAsync(path).GetAwaiter().GetResult();
        if (opened.Rows != shard.Rows)
        {
            yield return new VerifyError(shard.Path, null, "footer", $"{shard.Rows} rows", $"{opened.Rows}");
            yield break;
        }

        opened.RequireAllPlain();
        List<ShardRow> rows = [];
        List<RowPlace> places = [];
        for (var group = 0; group < opened.Groups.Count; group++)
        {
            ct.ThrowIfCancellationRequested();
            var read = opened.ReadRowsAsync(group).GetAwaiter().GetResult();
            places.AddRange(opened.Locate(group, read, fingerprint.Mels));
            rows.AddRange(read);
        }

        if (RowIndex.Difference(tail, rows, places) is { } other)
        {
            yield return new VerifyError(shard.Path, other, "footer", "a row index of what the columns hold", "another");
            yield break;
        }

        for (var row = 0; row < rows.Count; row++)
        {
            if (rows[row].ComputeCrc() is var crc && crc != rows[row].Crc)
            {
                yield return new VerifyError(shard.Path, row, "crc", $"{rows[row].Crc:x8}", $"{crc:x8}");
                continue;
            }

            foreach ((var column, var offset) in new[] { ("frames", places[row].Frames), ("mel", places[row].Mel), ("pcm", places[row].Pcm) })
            {
                if (RowPayload.CheckColumn(file, rows[row], fingerprint.Mels, column, offset, ct) is { } damage)
                {
                    yield return new VerifyError(shard.Path, row, column, damage.Expected, damage.Got);
                }
            }
        }
    }

    private static IEnumerable<VerifyError> Locate(string path, ShardEntry shard, Fingerprint fingerprint, long length, CancellationToken ct)
    {
        using var file = File.OpenHandle(path);
        var header = Crc(file, 0, Magic);
        if (header != Crc32C.Compute("PAR1"u8))
        {
            // Parquet.Net opens nothing without its four letters, so the columns stay unread; what else differs shows once the header is mended.
            yield return new VerifyError(shard.Path, null, "header", "PAR1", $"crc {header:x8}");
            yield break;
        }

        // Bytes lost or added within the rows only shift the footer; where else it is not whole, nothing in the file can be trusted to say more.
        var footerBytes = shard.Bytes - shard.FooterOffset;
        var footer = Crc(file, Math.Max(0, length - footerBytes), footerBytes);
        if (footer != shard.FooterCrc)
        {
            if (length <= shard.Bytes || Crc(file, shard.FooterOffset, footerBytes) != shard.FooterCrc)
            {
                yield return new VerifyError(shard.Path, null, "footer", $"crc {shard.FooterCrc:x8}", $"{footer:x8}");
            }

            yield break;
        }

        using var opened = ShardFile.OpenAsync(path).GetAwaiter().GetResult();
        uint[][] committed = [.. opened.Metadata[ShardSchema.ChunksKey].Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(g => g.Split(',').Select(c => uint.Parse(c, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray())];
        for (int group = 0, first = 0; group < opened.Groups.Count; first += opened.GroupRows(group), group++)
        {
            for (var column = 0; column < opened.Groups[group].Count; column++)
            {
                var chunk = opened.Groups[group][column];
                var got = FileDigest.Crc32COf(file, chunk.Begin, chunk.Bytes, ct).Crc;
                if (got == committed[group][column])
                {
                    continue;
                }

                VerifyError whole = new(shard.Path, first, chunk.Column, $"crc {committed[group][column]:x8} over rows {first} to {first + opened.GroupRows(group) - 1}", $"{got:x8}");
                var rows = LocateRows(opened, file, shard, fingerprint, group, first, chunk);
                foreach (var error in rows.Length > 0 ? rows : [whole])
                {
                    yield return error;
                }

                if (length != shard.Bytes)
                {
                    // All after a lost or an added byte is out of place; the first column it disturbs is where it is.
                    yield break;
                }
            }
        }
    }

    // Rows of the damaged column whose own checksums disagree; none when the damage is in what surrounds the values, or they cannot be read at all.
    private static VerifyError[] LocateRows(ShardFile opened, SafeFileHandle file, ShardEntry shard, Fingerprint fingerprint, int group, int first, ColumnChunkSpan chunk)
    {
        try
        {
            var rows = opened.ReadRowsAsync(group).GetAwaiter().GetResult();
            return chunk.Column switch
            {
                "frames" => Payload(file, shard, fingerprint, first, chunk, rows, r => r.FramesBytes),
                "mel" => Payload(file, shard, fingerprint, first, chunk, rows, r => r.MelBytes(fingerprint.Mels)),
                "pcm" => Payload(file, shard, fingerprint, first, chunk, rows, r => r.PcmBytes),
                _ => [.. rows.Select((r, i) => (Row: i, Expected: r.Crc, Got: r.ComputeCrc())).Where(r => r.Expected != r.Got)
                    .Select(r => new VerifyError(shard.Path, first + r.Row, chunk.Column, $"crc {r.Expected:x8}", $"{r.Got:x8}"))],
            };
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A damaged page, or sizes that a damaged column made absurd, end in whatever the parsing runs into; the column's checksum has already spoken.
            return [];
        }
    }

    private static VerifyError[] Payload(SafeFileHandle file, ShardEntry shard, Fingerprint fingerprint, int first, ColumnChunkSpan chunk, ShardRow[] rows, Func<ShardRow, int> length)
    {
        List<VerifyError> errors = [];
        var position = chunk.End - rows.Sum(r => (long)sizeof(int) + length(r));
        for (var i = 0; i < rows.Length; i++)
        {
            var expected = length(rows[i]);
            var prefix = Prefix(file, position);
            if (prefix != expected)
            {
                errors.Add(new VerifyError(shard.Path, first + i, chunk.Column, $"length {expected}", $"{prefix}"));
            }
            else if (RowPayload.CheckColumn(file, rows[i], fingerprint.Mels, chunk.Column, position + sizeof(int)) is { } damage)
            {
                errors.Add(new VerifyError(shard.Path, first + i, chunk.Column, damage.Expected, damage.Got));
            }

            position += sizeof(int) + expected;
        }

        return [.. errors];
    }

    private static int Prefix(SafeFileHandle file, long position)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        return position >= 0 && RandomAccess.Read(file, bytes, position) == bytes.Length ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : -1;
    }

    private static uint Crc(SafeFileHandle file, long offset, long bytes) => FileDigest.Crc32COf(file, offset, bytes).Crc;
}
