namespace Xkd.Pipeline;

/// <summary>A keyed permutation of all clips per epoch, every one as likely after any other.</summary>
public sealed class GlobalOrder : IClipOrder
{
    private readonly KeyedPermutation _clips;
    private readonly ulong _seed;

    /// <param name="count">Number of clips, at least one.</param>
    /// <param name="seed">The run's seed.</param>
    public GlobalOrder(long count, ulong seed) => (_clips, Count, _seed) = (new KeyedPermutation(count), count, seed);

    public long Count { get; }

    public long ClipAt(int epoch, long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Count);
        return _clips.At(SampleRandom.Mix(SampleRandom.Mix(_seed ^ 0x6A09E667F3BCC908) + (uint)epoch), position);
    }
}
