using System.Numerics;
using System.Runtime.CompilerServices;

namespace Xkd.Pipeline;

/// <summary>
/// Power spectra of several real frames at once, one frame per vector lane, so that every butterfly is plain vertical arithmetic. Decimation in time on real
/// spectra: a spectrum of L samples is L/2 slots of two vectors, slot 0 the real bins 0 and L/2. First leaves of 16 samples (or of any even number, by its
/// definition), then passes that make one spectrum of four or eight; the first pass follows its leaves at once, while they are in the nearest cache, and the last
/// one leaves powers.
/// </summary>
internal sealed unsafe partial class PowerSpectrum<T>
    where T : struct, ILanes<T>
{
    private const int Columns = 4; // samples that one load brings of each frame
    private readonly int _size;
    private readonly int _leaf;
    private readonly int _leaves;
    private readonly int[] _radices;
    private readonly AlignedBuffer<float> _window;   // periodic Hann, then zeros
    private readonly AlignedBuffer<float> _circle;   // cos and sin of 2πn / leaf, for leaves by definition
    private readonly AlignedBuffer<float>[] _turns;  // per pass and slot: w, w², … as (re, im)

    /// <param name="nFft">Samples of a frame, even.</param>
    public PowerSpectrum(int nFft)
    {
        _size = nFft;
        (_leaf, _radices) = Plan(nFft);
        _leaves = nFft / _leaf;
        _window = new AlignedBuffer<float>(nFft + Columns);
        for (var n = 0; n < nFft; n++)
        {
            _window.Span[n] = (float)(0.5 - 0.5 * Math.Cos(2 * Math.PI * n / nFft));
        }
        _circle = new AlignedBuffer<float>(2 * _leaf);
        for (var n = 0; n < _leaf; n++)
        {
            (var sin, var cos) = Math.SinCos(2 * Math.PI * n / _leaf);
            (_circle.Span[2 * n], _circle.Span[2 * n + 1]) = ((float)cos, (float)sin);
        }
        _turns = new AlignedBuffer<float>[_radices.Length];
        for (int pass = 0, length = _leaf; pass < _radices.Length; length *= _radices[pass++])
        {
            _turns[pass] = Turns(length, _radices[pass]);
        }
    }

    /// <summary>Samples read from each frame's start on.</summary>
    public int Reach => (_size + Columns - 1) / Columns * Columns;

    public Scratch Rent() => new(
        new AlignedBuffer<float>(Columns * _leaf * T.Count), new AlignedBuffer<float>(Columns * _leaf * FirstRadix * T.Count),
        new AlignedBuffer<float>((_size + 2 * _leaves) * T.Count), new AlignedBuffer<float>(_radices.Length > 2 ? (_size + 2 * _leaves) * T.Count : 0));

    /// <summary>Windows and transforms; frame l starts at <paramref name="samples"/> + l * <paramref name="hop"/>.</summary>
    /// <param name="samples">(Lanes - 1) * hop + Reach samples.</param>
    /// <param name="hop">Samples between frames.</param>
    /// <param name="scratch">Working memory.</param>
    /// <param name="power">Receives [n_fft / 2 + 1, Lanes]: |X|² of each bin and frame, aligned.</param>
    public void Compute(float* samples, int hop, Scratch scratch, float* power)
    {
        var columns = scratch.Columns.Pointer;
        if (_radices.Length == 0)
        {
            for (var n = 0; n < _size; n += Columns)
            {
                Load(samples + n, hop, _window.Pointer + n, columns + n * T.Count, T.Count);
            }
            DirectLeaf<PowerSink>(columns, T.Count, power);
            return;
        }
        var groups = _leaves / FirstRadix;
        float* result = scratch.First.Pointer, other = scratch.Second.Pointer;
        for (var group = 0; group < groups; group += Columns)
        {
            Leaves(samples, hop, group, groups, columns, scratch.Group.Pointer);
            for (var i = 0; i < Math.Min(Columns, groups); i++)
            {
                var leaves = scratch.Group.Pointer + i * FirstRadix * _leaf * T.Count;
                if (_radices.Length == 1)
                {
                    Pass<PowerSink>(0, leaves, _leaf * T.Count, _leaf, power);
                }
                else
                {
                    Pass<SlotSink>(0, leaves, _leaf * T.Count, _leaf, result + (group + i) * Apart(FirstRadix * _leaf));
                }
            }
        }
        var length = _leaf * FirstRadix;
        for (var pass = 1; pass < _radices.Length; pass++)
        {
            int parts = groups / _radices[pass], apart = parts * Apart(length), made = length * _radices[pass];
            for (var part = 0; part < parts; part++)
            {
                if (parts == 1)
                {
                    Pass<PowerSink>(pass, result, apart, length, power);
                }
                else
                {
                    Pass<SlotSink>(pass, result + part * Apart(length), apart, length, other + part * Apart(made));
                }
            }
            var free = result;
            result = other;
            other = free;
            (groups, length) = (parts, made);
        }
    }

    // Spectra lie one slot further apart than they are long: at powers of two they would all fall into the same few lines of the cache.
    private static int Apart(int length) => (length + 2) * T.Count;

    private int FirstRadix => _radices.Length == 0 ? 1 : _radices[0];

    // Leaves of 16 wherever powers of two reach that far; an odd factor goes into the leaves, with a two so that they are even.
    private static (int Leaf, int[] Radices) Plan(int size)
    {
        int twos = BitOperations.TrailingZeroCount(size), odd = size >> twos;
        var inLeaf = odd == 1 ? 4 : 1;
        inLeaf = (twos - inLeaf) switch
        {
            < 0 => twos,
            1 => odd == 1 ? 3 : 2,
            _ => inLeaf,
        };
        var left = twos - inLeaf;
        var fours = left % 3 == 0 ? 0 : left % 3 == 2 ? 1 : 2;
        return (odd << inLeaf, [.. Enumerable.Repeat(8, (left - 2 * fours) / 3), .. Enumerable.Repeat(4, fours)]);
    }

    private static AlignedBuffer<float> Turns(int length, int radix)
    {
        AlignedBuffer<float> turns = new(length * (radix - 1));
        for (int slot = 1, at = 0; slot < length / 2; slot++)
        {
            for (var part = 1; part < radix; part++, at += 2)
            {
                (var sin, var cos) = Math.SinCos(-2 * Math.PI * part * slot / ((double)length * radix));
                (turns.Span[at], turns.Span[at + 1]) = ((float)cos, (float)sin);
            }
        }
        return turns;
    }

    // Four samples of every frame, windowed and transposed: a vector each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* samples, nint hop, float* window, float* to, nint apart)
    {
        // Repeated for each, as a vector that several have in common would lie on the stack.
        T a = T.LoadQuads(samples, hop) * T.RepeatQuad(window), b = T.LoadQuads(samples + hop, hop) * T.RepeatQuad(window);
        T c = T.LoadQuads(samples + 2 * hop, hop) * T.RepeatQuad(window), d = T.LoadQuads(samples + 3 * hop, hop) * T.RepeatQuad(window);
        T.TransposeQuads(ref a, ref b, ref c, ref d);
        T.Store(a, to);
        T.Store(b, to + apart);
        T.Store(c, to + 2 * apart);
        T.Store(d, to + 3 * apart);
    }

    // The leaves of up to four groups: leaf `group + groups · part` takes every _leaves-th sample from that one on.
    private void Leaves(float* samples, int hop, int group, int groups, float* columns, float* to)
    {
        int length = _leaf * T.Count, bunch = groups == 1 ? Columns : 1;
        for (var part = 0; part < FirstRadix; part += bunch)
        {
            var first = group + groups * part;
            float* from = samples + first, window = _window.Pointer + first, column = columns;
            for (var end = columns + length; column < end; column += T.Count, from += _leaves, window += _leaves)
            {
                Load(from, hop, window, column, length);
            }
            for (var c = 0; c < Columns; c++)
            {
                var leaf = to + (groups == 1 ? part + c : c * FirstRadix + part) * length;
                if (_leaf == 16)
                {
                    Leaf16(columns + c * length, leaf);
                }
                else
                {
                    DirectLeaf<SlotSink>(columns + c * length, T.Count, leaf);
                }
            }
        }
    }

    // Without a loop it would run unoptimised until the runtime finds time, fifteen times slower.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Leaf16(float* x, float* to)
    {
        var v = T.Count;
        T a = T.Load(x), b = T.Load(x + v), c = T.Load(x + 2 * v), d = T.Load(x + 3 * v), e = T.Load(x + 4 * v), f = T.Load(x + 5 * v), g = T.Load(x + 6 * v), h = T.Load(x + 7 * v);
        T i = T.Load(x + 8 * v), j = T.Load(x + 9 * v), k = T.Load(x + 10 * v), l = T.Load(x + 11 * v);
        T m = T.Load(x + 12 * v), n = T.Load(x + 13 * v), o = T.Load(x + 14 * v), p = T.Load(x + 15 * v);
        RealDft<T>.Eight(a + i, b + j, c + k, d + l, e + m, f + n, g + o, h + p, out var x0, out var x2r, out var x2i, out var x4r, out var x4i, out var x6r, out var x6i, out var x8);
        SlotSink.PutEnds(to, 16, x0, x8);
        SlotSink.Put(to, 2, x2r, x2i);
        SlotSink.Put(to, 4, x4r, x4i);
        SlotSink.Put(to, 6, x6r, x6i);
        RealDft<T>.OddOfSixteen(a - i, b - j, c - k, d - l, e - m, f - n, g - o, h - p,
            out var x1r, out var x1i, out var x3r, out var x3i, out var x5r, out var x5i, out var x7r, out var x7i);
        SlotSink.Put(to, 1, x1r, x1i);
        SlotSink.Put(to, 3, x3r, x3i);
        SlotSink.Put(to, 5, x5r, x5i);
        SlotSink.Put(to, 7, x7r, x7i);
    }

    // By definition, even and odd parts apart: as many steps as the square of the leaf's length. `x` is overwritten.
    private void DirectLeaf<TSink>(float* x, int apart, float* to)
        where TSink : ISink
    {
        var half = _leaf / 2;
        for (var n = 1; n < half; n++)
        {
            T early = T.Load(x + n * apart), late = T.Load(x + (_leaf - n) * apart);
            T.Store(early + late, x + n * apart);
            T.Store(early - late, x + (_leaf - n) * apart);
        }
        T first = T.Load(x), middle = T.Load(x + half * apart), dc = default;
        for (var bin = 0; bin <= half; bin++)
        {
            T re = (bin & 1) == 0 ? first + middle : first - middle, im = T.All(0);
            var circle = _circle.Pointer;
            for (int n = 1, turn = 0; n < half; n++)
            {
                turn = (turn + bin) % _leaf;
                re = T.MultiplyAdd(T.Load(x + n * apart), T.All(circle[2 * turn]), re);
                im = T.MultiplySubtract(T.Load(x + (_leaf - n) * apart), T.All(circle[2 * turn + 1]), im);
            }
            if (bin == 0)
            {
                dc = re;
            }
            else if (bin < half)
            {
                TSink.Put(to, bin, re, im);
            }
            else
            {
                TSink.PutEnds(to, _leaf, dc, re);
            }
        }
    }

    /// <summary>Working memory of one call.</summary>
    public sealed record Scratch(AlignedBuffer<float> Columns, AlignedBuffer<float> Group, AlignedBuffer<float> First, AlignedBuffer<float> Second);
}
