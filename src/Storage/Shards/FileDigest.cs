using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>A file's size and checksums, from one pass over its bytes.</summary>
internal sealed record FileDigest(long Bytes, string Sha256, uint Crc)
{
    public static FileDigest Of(string path, CancellationToken ct)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        return Of(file, ct);
    }

    /// <summary>Of a stream, from where it stands to its end.</summary>
    public static FileDigest Of(Stream file, CancellationToken ct)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            long bytes = 0;
            uint crc = 0;
            for (int read; (read = file.Read(buffer)) > 0; bytes += read)
            {
                ct.ThrowIfCancellationRequested();
                sha.AppendData(buffer, 0, read);
                crc = Crc32C.Append(crc, buffer.AsSpan(0, read));
            }

            return new FileDigest(bytes, Convert.ToHexStringLower(sha.GetHashAndReset()), crc);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The bytes from an offset on: as many as asked for, or as there are.</summary>
    public static byte[] Tail(SafeFileHandle file, long offset, long bytes)
    {
        var tail = new byte[Math.Clamp(RandomAccess.GetLength(file) - offset, 0, bytes)];
        var done = 0;
        for (var read = 1; read > 0 && done < tail.Length; done += read)
        {
            read = RandomAccess.Read(file, tail.AsSpan(done), offset + done);
        }

        return tail[..done];
    }

    /// <summary>CRC-32C of a stretch of a file, and how much of it there was.</summary>
    public static Region Crc32COf(SafeFileHandle file, long offset, long bytes, CancellationToken ct = default)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(bytes, 1, 1 << 18));
        try
        {
            uint crc = 0;
            long done = 0;
            for (var read = 1; read > 0 && done < bytes; done += read)
            {
                ct.ThrowIfCancellationRequested();
                read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes - done)), offset + done);
                crc = Crc32C.Append(crc, buffer.AsSpan(0, read));
            }

            return new Region(done, crc);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    internal readonly record struct Region(long Bytes, uint Crc);
}
