namespace Xkd.Storage;

/// <summary>Positioned reads of the shards of one manifest. Thread-safe but for <see cref="IDisposable.Dispose"/>.</summary>
internal interface IShardBytes : IDisposable
{
    /// <summary>Reads at most as many bytes as the destination takes.</summary>
    /// <param name="shard">Index into <see cref="Manifest.Shards"/>.</param>
    /// <param name="offset">Byte offset in the shard's file.</param>
    /// <param name="destination">Receives them.</param>
    /// <returns>How many were read; 0 at the file's end.</returns>
    /// <exception cref="CorruptCacheException">There is no such file.</exception>
    int Read(int shard, long offset, Span<byte> destination);

    /// <summary>Reads worth having under way at once where each waits for a network; null on a disk.</summary>
    int? Requests => null;

    /// <summary>Whether a read of a few bytes costs little more than those bytes; otherwise what is wanted together is better read together.</summary>
    bool IsNear(int shard);

    /// <summary>Told that a shard's bytes are not what was committed. Whether another source of them is left, so that reading again may help.</summary>
    bool Distrust(int shard);
}
