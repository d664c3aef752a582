using System.Buffers;
using System.Security.Cryptography;

namespace Xkd.Storage;

/// <summary>A file's size and checksums, from one pass over its bytes.</summary>
internal sealed record FileDigest(long Bytes, string Sha256, uint Crc)
{
    public static FileDigest Of(string path, CancellationToken ct)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        using IncrementalHash sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
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

    /// <summary>CRC-32C from an offset to the end of the file.</summary>
    public static uint TailCrc(string path, long offset)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        byte[] tail = new byte[Math.Max(0, file.Length - offset)];
        file.Seek(offset, SeekOrigin.Begin);
        file.ReadExactly(tail);
        return Crc32C.Compute(tail);
    }
}
