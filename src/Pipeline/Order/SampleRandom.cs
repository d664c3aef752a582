using System.Runtime.CompilerServices;

namespace Xkd.Pipeline;

/// <summary>
/// A counter-based generator: draw n is a pure function of (seed, epoch, position, purpose, index, n). It is SplitMix64 (Steele,
/// Lea, Flood, OOPSLA 2014) over a stream that the key, the purpose and the index select. Copying the struct forks the stream.
/// </summary>
public struct SampleRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private ulong _state;

    /// <param name="key">The sample.</param>
    /// <param name="purpose">What the numbers are for.</param>
    /// <param name="index">Which of several alike: the view's number, for instance.</param>
    public SampleRandom(in SampleKey key, SamplePurpose purpose, int index = 0)
    {
        var state = Mix(key.Seed + Golden);
        state = Mix(state ^ Mix((uint)key.Epoch + 0xD1B54A32D192ED03));
        state = Mix(state ^ Mix((ulong)key.Position + 0x8CB92BA72F3D8DD7));
        _state = Mix(state ^ Mix((((ulong)(uint)purpose << 32) | (uint)index) + 0xA0761D6478BD642F));
    }

    /// <summary>64 uniform bits.</summary>
    public ulong NextUInt64() => Mix(_state += Golden);

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double Uniform() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + ((high - low) * Uniform());

    /// <summary>Standard normal (Box-Muller; two draws each, so that the count of draws stays plain).</summary>
    public double Normal()
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - Uniform()));
        return radius * Math.Cos(2 * Math.PI * Uniform());
    }

    /// <summary>Uniform in 0 … bound - 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int NextInt(int bound) => (int)NextLong(bound);

    /// <summary>Uniform in 0 … bound - 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public long NextLong(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (long)Math.BigMul(NextUInt64(), (ulong)bound, out _); // bias below bound / 2^64: nothing a run could show
    }

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => Uniform() < probability;

    /// <summary>Fills with uniform values in [0, 1), 24 bits each: the noise that orders tokens for masking.</summary>
    public void Fill(Span<float> values)
    {
        foreach (ref var value in values)
        {
            value = (NextUInt64() >> 40) * (1f / (1 << 24));
        }
    }

    /// <summary>A uniformly random order of the values (Fisher-Yates).</summary>
    public void Shuffle<T>(Span<T> values)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
