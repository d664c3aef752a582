namespace Xkd.Pipeline;

/// <summary>
/// Clips as they lie in the shards, cut into blocks; blocks are permuted, and within each window of consecutive permuted blocks the clips
/// are. So only one window's blocks are read at a time, each once an epoch, at the price of an order that is less than uniform: clips
/// of a block meet more often. Blocks begin elsewhere in every epoch, and what is left of the clips forms a shorter last one.
/// </summary>
public sealed class BlockOrder : IClipOrder
{
    private readonly IReadOnlyList<int> _clips;
    private readonly ulong _seed;
    private readonly int _block;
    private readonly long _window;
    private readonly long _blocks;
    private readonly KeyedPermutation _blockOrder, _windowOrder, _lastOrder;

    /// <param name="clips">The clips' indices (in the order of ids), in the order in which they lie in the shards.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="block">Clips in a block.</param>
    /// <param name="window">Blocks in a window.</param>
    public BlockOrder(IReadOnlyList<int> clips, ulong seed, int block, int window)
    {
        ArgumentNullException.ThrowIfNull(clips);
        ArgumentOutOfRangeException.ThrowIfZero(clips.Count, nameof(clips));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(block);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        (_clips, _seed, _block) = (clips, seed, Math.Min(block, clips.Count));
        _window = Math.Min((long)_block * window, clips.Count);
        _blocks = clips.Count / _block;
        _blockOrder = new KeyedPermutation(_blocks);
        _windowOrder = new KeyedPermutation(_window);
        _lastOrder = new KeyedPermutation(clips.Count % _window == 0 ? _window : clips.Count % _window);
    }

    public long Count => _clips.Count;

    public long ClipAt(int epoch, long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Count);
        var key = SampleRandom.Mix(SampleRandom.Mix(_seed ^ 0xBB67AE8584CAA73B) + (uint)epoch);
        long window = position / _window, within = position % _window;
        var order = (window + 1) * _window <= Count ? _windowOrder : _lastOrder;
        var place = (window * _window) + order.At(SampleRandom.Mix(key + (ulong)window + 1), within);
        var block = place / _block < _blocks ? _blockOrder.At(key, place / _block) : _blocks;
        var shift = (long)(SampleRandom.Mix(key ^ 0x3C6EF372FE94F82B) % (ulong)Count);
        return _clips[(int)(((block * _block) + (place % _block) + shift) % Count)];
    }
}
