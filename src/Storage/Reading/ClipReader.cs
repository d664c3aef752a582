using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>
/// Reads payload in place: just the window's bytes into the caller's memory by positioned reads, each frame checked as it comes. Thread-safe. Raw frames, mel and pcm are read without managed
/// allocation.
/// </summary>
/// <param name="cache">The version to read.</param>
public sealed class ClipReader(Cache cache) : IDisposable
{
    // Checksums and JPEG offsets of a window are fetched this many frames at a time, on the stack.
    private const int Batch = 256;

    // Bytes of raw frames read at once: a fraction of a core's second-level cache, so that the checksum finds them there, and enough copying to be worth a system call.
    private const int Together = 256 << 10;
    private readonly IShardBytes _shards = cache.OpenShards();

    // As many as ever decoded at once.
    private readonly ConcurrentBag<IJpegCodec> _codecs = [];
    private readonly bool _jpeg = cache.Manifest.Fingerprint.FramesCodec == FrameCodecs.Jpeg;
    private readonly int _mels = cache.Manifest.Fingerprint.Mels;

    /// <summary>The version being read.</summary>
    public Cache Cache { get; } = cache;

    /// <summary>Reads worth having under way at once where each waits for a network; null on a disk.</summary>
    public int? Requests => _shards.Requests;

    /// <summary>Reads frames <c>[count, height, width, 3]</c>, rgb24.</summary>
    /// <param name="clip">A clip of this reader's cache.</param>
    /// <param name="firstFrame">First frame of the window.</param>
    /// <param name="count">Frames of the window; all must exist.</param>
    /// <param name="destination">At least count × <see cref="ClipEntry.FrameBytes"/> bytes.</param>
    /// <exception cref="CorruptCacheException">A frame's checksum does not match.</exception>
    public void ReadFrames(ClipEntry clip, int firstFrame, int count, Span<byte> destination)
    {
        try
        {
            ReadFramesOnce(clip, firstFrame, count, destination);
        }
        catch (CorruptCacheException) when (_shards.Distrust(clip.Shard))
        {
            ReadFramesOnce(clip, firstFrame, count, destination);
        }
    }

    /// <summary>Reads the whole spectrogram <c>[mels, frames]</c>: the first mels × <see cref="ClipEntry.MelFrames"/> values of the destination.</summary>
    /// <exception cref="CorruptCacheException">Its checksum does not match.</exception>
    public void ReadMel(ClipEntry clip, Span<Half> destination)
    {
        ArgumentNullException.ThrowIfNull(clip);
        var values = checked(_mels * clip.MelFrames);
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, values, nameof(destination));
        ReadWhole(clip, "mel", clip.MelOffset, clip.MelHash, MemoryMarshal.AsBytes(destination[..values]));
    }

    /// <summary>Reads all stored samples, mono: the first <see cref="ClipEntry.NumSamples"/> values of the destination.</summary>
    /// <exception cref="CorruptCacheException">Their checksum does not match.</exception>
    public void ReadPcm(ClipEntry clip, Span<short> destination)
    {
        ArgumentNullException.ThrowIfNull(clip);
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, clip.NumSamples, nameof(destination));
        ReadWhole(clip, "pcm", clip.PcmOffset, clip.PcmHash, MemoryMarshal.AsBytes(destination[..clip.NumSamples]));
    }

    /// <summary>Closes the shards. No read may be under way.</summary>
    public void Dispose()
    {
        _shards.Dispose();
        while (_codecs.TryTake(out var codec))
        {
            codec.Dispose();
        }
    }

    private void ReadFramesOnce(ClipEntry clip, int firstFrame, int count, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(clip);
        ArgumentOutOfRangeException.ThrowIfNegative(firstFrame);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)firstFrame + count, clip.NumFrames, nameof(count));
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, (long)count * clip.FrameBytes, nameof(destination));
        Span<ulong> hashes = stackalloc ulong[Math.Min(count, Batch)];
        for (var done = 0; done < count; done += Batch)
        {
            var now = Math.Min(Batch, count - done);
            var first = firstFrame + done;
            Read(clip, "frame_hash", clip.FrameHashOffset + ((long)first * sizeof(ulong)), MemoryMarshal.AsBytes(hashes[..now]));
            var target = destination.Slice(done * clip.FrameBytes, now * clip.FrameBytes);
            if (_jpeg)
            {
                ReadJpeg(clip, first, hashes[..now], target);
            }
            else
            {
                ReadRaw(clip, first, hashes[..now], target);
            }
        }
    }

    private void ReadRaw(ClipEntry clip, int first, ReadOnlySpan<ulong> hashes, Span<byte> destination)
    {
        // From afar the window comes at once: there each read has its price.
        var together = _shards.IsNear(clip.Shard) ? Math.Max(1, Together / clip.FrameBytes) : hashes.Length;
        for (var done = 0; done < hashes.Length; done += together)
        {
            var now = Math.Min(together, hashes.Length - done);
            var frames = destination.Slice(done * clip.FrameBytes, now * clip.FrameBytes);
            Read(clip, "frames", clip.FramesOffset + ((long)(first + done) * clip.FrameBytes), frames);
            for (var i = 0; i < now; i++)
            {
                Check(clip, first + done + i, hashes[done + i], frames.Slice(i * clip.FrameBytes, clip.FrameBytes));
            }
        }
    }

    private void ReadJpeg(ClipEntry clip, int first, ReadOnlySpan<ulong> hashes, Span<byte> destination)
    {
        Span<uint> offsets = stackalloc uint[hashes.Length + 1];
        Read(clip, "frame_offsets", clip.FrameOffsetsOffset + ((long)first * sizeof(uint)), MemoryMarshal.AsBytes(offsets));
        if (offsets[^1] > clip.FramesBytes || offsets[0] > offsets[^1])
        {
            throw Corrupt(clip, "frame_offsets", $"at most {clip.FramesBytes}", $"{offsets[0]} to {offsets[^1]}");
        }

        var length = (int)(offsets[^1] - offsets[0]);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        var codec = _codecs.TryTake(out var free) ? free : JpegFrames.NewCodec();
        try
        {
            Read(clip, "frames", clip.FramesOffset + offsets[0], buffer.AsSpan(0, length));
            for (var i = 0; i < hashes.Length; i++)
            {
                var begin = offsets[i] - offsets[0];
                var end = offsets[i + 1] - offsets[0];
                if (end < begin || end > length)
                {
                    throw Corrupt(clip, "frame_offsets", $"frame {first + i} after {offsets[i]}", $"{offsets[i + 1]}");
                }

                ReadOnlySpan<byte> jpeg = buffer.AsSpan((int)begin..(int)end);
                Check(clip, first + i, hashes[i], jpeg);
                try
                {
                    codec.Decode(jpeg, clip.Height, clip.Width, destination.Slice(i * clip.FrameBytes, clip.FrameBytes));
                }
                catch (FailureException e)
                {
                    throw new CorruptCacheException(Cache.Manifest.Shards[clip.Shard].Path, clip.Row, "frames", $"frame {first + i}: a JPEG of {clip.Width}×{clip.Height}", e.Message, e);
                }
            }
        }
        finally
        {
            _codecs.Add(codec);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void ReadWhole(ClipEntry clip, string column, long offset, ulong expected, Span<byte> destination)
    {
        try
        {
            ReadWholeOnce(clip, column, offset, expected, destination);
        }
        catch (CorruptCacheException) when (_shards.Distrust(clip.Shard))
        {
            ReadWholeOnce(clip, column, offset, expected, destination);
        }
    }

    private void ReadWholeOnce(ClipEntry clip, string column, long offset, ulong expected, Span<byte> destination)
    {
        Read(clip, column, offset, destination);
        var got = XxHash3.HashToUInt64(destination);
        if (got != expected)
        {
            throw Corrupt(clip, column, $"xxh3 {expected:x16}", $"{got:x16}");
        }
    }

    private void Check(ClipEntry clip, int frame, ulong expected, ReadOnlySpan<byte> stored)
    {
        var got = XxHash3.HashToUInt64(stored);
        if (got != expected)
        {
            throw Corrupt(clip, "frames", $"frame {frame} xxh3 {expected:x16}", $"{got:x16}");
        }
    }

    private void Read(ClipEntry clip, string column, long offset, Span<byte> destination)
    {
        var wanted = destination.Length;
        while (!destination.IsEmpty)
        {
            var read = _shards.Read(clip.Shard, offset, destination);
            if (read == 0)
            {
                throw Corrupt(clip, column, $"{wanted} bytes", $"the file's end after {wanted - destination.Length}");
            }

            destination = destination[read..];
            offset += read;
        }
    }

    private CorruptCacheException Corrupt(ClipEntry clip, string column, string expected, string got) =>
        new(Cache.Manifest.Shards[clip.Shard].Path, clip.Row, column, expected, got);
}
