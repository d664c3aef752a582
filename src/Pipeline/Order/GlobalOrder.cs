using System.Numerics;
using System.Runtime.CompilerServices;

namespace Xkd.Pipeline;

/// <summary>
/// The order in which an epoch visits the clips: a keyed permutation of 0 … count - 1 evaluated at any position in constant time
/// and memory, so a position is a run's whole data state. A balanced Feistel network over the smallest even number of bits that
/// holds count, walked until it lands inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
/// </summary>
public sealed class GlobalOrder
{
    private const int Rounds = 10;
    private readonly ulong _seed;
    private readonly int _half;
    private readonly ulong _mask;

    /// <param name="count">Number of clips, at least one.</param>
    /// <param name="seed">The run's seed.</param>
    public GlobalOrder(long count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        _seed = seed;
        int bits = 64 - BitOperations.LeadingZeroCount((ulong)(count - 1));
        _half = Math.Max(2, (bits + 1) / 2); // four bits at least: a Feistel network over fewer reaches few permutations
        _mask = (1UL << _half) - 1;
    }

    /// <summary>Number of clips.</summary>
    public long Count { get; }

    /// <summary>The clip's index (in the order of ids) at a position of an epoch.</summary>
    public long ClipAt(int epoch, long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Count);
        ulong key = SampleRandom.Mix(SampleRandom.Mix(_seed ^ 0x6A09E667F3BCC908) + (uint)epoch);
        ulong value = (ulong)position;
        do
        {
            value = Permute(value, key);
        }
        while (value >= (ulong)Count); // the walk ends: the cycle through a position inside comes back to one inside

        return (long)value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Permute(ulong value, ulong key)
    {
        ulong left = value >> _half;
        ulong right = value & _mask;
        for (int round = 1; round <= Rounds; round++)
        {
            ulong mixed = SampleRandom.Mix(right ^ (key + ((ulong)round * 0x9E3779B97F4A7C15)));
            (left, right) = (right, left ^ ((mixed >> 17) & _mask));
        }

        return (left << _half) | right;
    }
}
