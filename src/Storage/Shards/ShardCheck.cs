using System.Buffers;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Compares a shard's payload with the checksums of its rows.</summary>
internal static class ShardCheck
{
    /// <summary>For each row the first value that is not as committed.</summary>
    public static IEnumerable<(int Row, string Column, string Expected, string Got)> Damaged(SafeFileHandle file, IEnumerable<ClipEntry> rows, Fingerprint fingerprint, CancellationToken ct)
    {
        foreach (var row in rows)
        {
            ct.ThrowIfCancellationRequested();
            var damage = Value(file, row.MelOffset, (long)row.MelFrames * fingerprint.Mels * sizeof(short), row.MelHash) is { } mel ? ("mel", mel)
                : Value(file, row.PcmOffset, (long)row.NumSamples * sizeof(short), row.PcmHash) is { } pcm ? ("pcm", pcm)
                : Frames(file, row, fingerprint.FramesCodec == FrameCodecs.Jpeg) is { } frames ? ("frames", frames)
                : default((string Column, (string Expected, string Got) What)?);
            if (damage is var (column, what))
            {
                yield return (row.Row, column, what.Expected, what.Got);
            }
        }
    }

    private static (string Expected, string Got)? Frames(SafeFileHandle file, ClipEntry row, bool jpeg)
    {
        var hashes = MemoryMarshal.Cast<byte, ulong>(FileDigest.Tail(file, row.FrameHashOffset, row.NumFrames * sizeof(ulong))).ToArray();
        var ends = jpeg && row.NumFrames > 0 ? MemoryMarshal.Cast<byte, uint>(FileDigest.Tail(file, row.FrameOffsetsOffset, (row.NumFrames + 1) * sizeof(uint))).ToArray() : [];
        for (var i = 0; i < row.NumFrames; i++)
        {
            if (i >= hashes.Length || (jpeg && (i + 1 >= ends.Length || ends[i] > ends[i + 1] || ends[i + 1] > row.FramesBytes)))
            {
                return ($"the place of frame {i}", "none");
            }

            long begin = jpeg ? ends[i] : (long)i * row.FrameBytes, length = jpeg ? ends[i + 1] - ends[i] : row.FrameBytes;
            if (Value(file, row.FramesOffset + begin, length, hashes[i]) is { } damage)
            {
                return ($"frame {i} {damage.Expected}", damage.Got);
            }
        }

        return null;
    }

    // A file that ends too early counts as its shorter bytes.
    private static (string Expected, string Got)? Value(SafeFileHandle file, long offset, long length, ulong expected)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(length, 1, 1 << 18));
        try
        {
            XxHash3 hash = new();
            long done = 0;
            for (var read = 1; read > 0 && done < length; done += read)
            {
                read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), offset + done);
                hash.Append(buffer.AsSpan(0, read));
            }

            var got = hash.GetCurrentHashAsUInt64();
            return done == length && got == expected ? null : ($"xxh3 {expected:x16}", done == length ? $"{got:x16}" : $"the file's end after {done} bytes");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Compares a clip that was read whole with its checksums.</summary>
    /// <exception cref="CorruptCacheException">A value is not as committed.</exception>
    public static void Require(ClipRecord clip, ReadOnlySpan<ulong> frameHashes)
    {
        var damaged = XxHash3.HashToUInt64(clip.Mel.Span) != clip.MelHash ? "mel" : XxHash3.HashToUInt64(clip.Pcm.Span) != clip.PcmHash ? "pcm" : "";
        for (var i = 0; i < clip.NumFrames && damaged.Length == 0; i++)
        {
            var (begin, end) = clip.FrameOffsets.IsEmpty ? (i * clip.FrameBytes, (i + 1) * clip.FrameBytes) : ((int)clip.FrameOffsets.Span[i], (int)clip.FrameOffsets.Span[i + 1]);
            damaged = begin > end || end > clip.Frames.Length || XxHash3.HashToUInt64(clip.Frames.Span[begin..end]) != frameHashes[i] ? "frames" : "";
        }

        if (damaged.Length > 0)
        {
            throw new CorruptCacheException(clip.ShardPath, clip.Row, damaged, "what was committed", "other bytes");
        }
    }
}
