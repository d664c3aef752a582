using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>Reads a clip with its payload as it lies in its shard, each value checked: JPEGs stay JPEGs.</summary>
internal static class StoredClip
{
    /// <exception cref="CorruptCacheException">A value is not as committed.</exception>
    public static ClipRecord Read(IShardBytes shards, ClipEntry clip, Fingerprint fingerprint)
    {
        try
        {
            return ReadOnce(shards, clip, fingerprint);
        }
        catch (CorruptCacheException) when (shards.Distrust(clip.Shard))
        {
            return ReadOnce(shards, clip, fingerprint);
        }
    }

    private static ClipRecord ReadOnce(IShardBytes shards, ClipEntry clip, Fingerprint fingerprint)
    {
        var jpeg = fingerprint.FramesCodec == FrameCodecs.Jpeg && clip.NumFrames > 0;
        ClipRecord record = new(clip)
        {
            Frames = Read(clip.FramesOffset, clip.FramesBytes),
            FrameOffsets = jpeg ? MemoryMarshal.Cast<byte, uint>(Read(clip.FrameOffsetsOffset, (clip.NumFrames + 1L) * sizeof(uint))).ToArray() : default,
            Mel = Read(clip.MelOffset, (long)clip.MelFrames * fingerprint.Mels * sizeof(short)),
            Pcm = Read(clip.PcmOffset, (long)clip.NumSamples * sizeof(short)),
        };
        ShardCheck.Require(record, MemoryMarshal.Cast<byte, ulong>(Read(clip.FrameHashOffset, (long)clip.NumFrames * sizeof(ulong))));
        return record;

        byte[] Read(long offset, long length)
        {
            var bytes = new byte[length];
            for (var done = 0; done < bytes.Length;)
            {
                var read = shards.Read(clip.Shard, offset + done, bytes.AsSpan(done));
                done += read > 0 ? read : throw new CorruptCacheException(clip.ShardPath, clip.Row, "file", $"{length} bytes from {offset}", $"{done}");
            }

            return bytes;
        }
    }
}
