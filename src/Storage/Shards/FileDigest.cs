using System.Buffers;
using System.IO.Hashing;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>A file's size, SHA-256 (lower-case hex) and XXH3, from one pass over its bytes.</summary>
internal sealed record FileDigest(long Bytes, string Sha256, ulong Hash)
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
        XxHash3 hash = new();
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            long bytes = 0;
            for (int read; (read = file.Read(buffer)) > 0; bytes += read)
            {
                ct.ThrowIfCancellationRequested();
                sha.AppendData(buffer, 0, read);
                hash.Append(buffer.AsSpan(0, read));
            }

            return new FileDigest(bytes, Convert.ToHexStringLower(sha.GetHashAndReset()), hash.GetCurrentHashAsUInt64());
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
}
