using System.Numerics;
using System.Runtime.CompilerServices;

namespace Xkd.Pipeline;

/// <summary>
/// A permutation of 0 … count - 1 for every key, evaluated anywhere in constant time and memory. A balanced Feistel network over the
/// smallest even number of bits that holds count, walked until it lands inside (Black and Rogaway, "Ciphers with arbitrary finite
/// domains", 2002).
/// </summary>
internal readonly struct KeyedPermutation
{
    private const int Rounds = 10;
    private readonly long _count;
    private readonly int _half;
    private readonly ulong _mask;

    public KeyedPermutation(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _count = count;
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)(count - 1));
        _half = Math.Max(2, (bits + 1) / 2); // four bits at least: a Feistel network over fewer reaches few permutations
        _mask = (1UL << _half) - 1;
    }

    /// <summary>Where a key puts a place.</summary>
    public long At(ulong key, long place)
    {
        var value = (ulong)place;
        do
        {
            value = Permute(value, key);
        }
        while (value >= (ulong)_count); // the walk ends: the cycle through a place inside comes back to one inside

        return (long)value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Permute(ulong value, ulong key)
    {
        var left = value >> _half;
        var right = value & _mask;
        for (var round = 1; round <= Rounds; round++)
        {
            var mixed = SampleRandom.Mix(right ^ (key + ((ulong)round * 0x9E3779B97F4A7C15)));
            (left, right) = (right, left ^ ((mixed >> 17) & _mask));
        }

        return (left << _half) | right;
    }
}
