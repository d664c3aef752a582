using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Xkd.Pipeline;

/// <summary>
/// Power spectra of eight real frames at once, one frame per vector lane, so that every butterfly is plain vertical arithmetic
/// without a shuffle. A frame of n real samples is a complex transform of n/2 points (even samples real, odd ones imaginary)
/// followed by a split. Element k of the complex buffer is one cache line: eight real parts, then eight imaginary parts.
/// </summary>
internal sealed unsafe class PowerSpectrum8
{
    private const int Lanes = 8;
    private const int Element = 2 * Lanes;
    private readonly int _half;
    private readonly int _firstRadix;
    private readonly int[] _position;        // where sample pair n goes: the digit reversal, as a float offset
    private readonly AlignedBuffer<float> _window;  // half of a periodic Hann: the split's division by two, done beforehand and exactly
    private readonly AlignedBuffer<float> _passes;  // per pass and column: w, w², w³ as (re, im)
    private readonly AlignedBuffer<float> _split;   // e^(-2πik/n), k = 0 … n/4

    public PowerSpectrum8(int nFft)
    {
        _half = nFft / 2;
        _firstRadix = BitOperations.Log2((uint)_half) % 2 == 0 ? 4 : 8;
        _position = new int[_half];
        for (int n = 0; n < _half; n++)
        {
            _position[n] = Element * Reversed(n, _half);
        }
        _window = new AlignedBuffer<float>(nFft);
        for (int n = 0; n < nFft; n++)
        {
            _window.Span[n] = (float)(0.5 - 0.5 * Math.Cos(2 * Math.PI * n / nFft)) / 2;
        }
        _passes = new AlignedBuffer<float>(2 * nFft);
        int at = 0;
        for (int column = _firstRadix; column < _half; column *= 4)
        {
            for (int j = 0; j < column; j++)
            {
                for (int power = 1; power <= 3; power++, at += 2)
                {
                    (double sin, double cos) = Math.SinCos(-2 * Math.PI * power * j / (4.0 * column));
                    (_passes.Span[at], _passes.Span[at + 1]) = ((float)cos, (float)sin);
                }
            }
        }
        _split = new AlignedBuffer<float>(_half + 2);
        for (int k = 0; k <= _half / 2; k++)
        {
            (double sin, double cos) = Math.SinCos(-2 * Math.PI * k / nFft);
            (_split.Span[2 * k], _split.Span[2 * k + 1]) = ((float)cos, (float)sin);
        }
    }

    /// <summary>Floats of the working buffer that <see cref="Compute"/> needs.</summary>
    public int WorkLength => Element * _half;

    /// <summary>Windows and transforms eight frames; frame l starts at <paramref name="samples"/> + l * <paramref name="hop"/>.</summary>
    /// <param name="samples">7 * hop + n_fft samples.</param>
    /// <param name="hop">Samples between frames.</param>
    /// <param name="work"><see cref="WorkLength"/> floats, aligned.</param>
    /// <param name="power">Receives [n_fft / 2 + 1, 8]: |X|² of each bin and frame, aligned.</param>
    public void Compute(float* samples, int hop, float* work, float* power)
    {
        Load(samples, hop, work);
        float* twiddles = _passes.Pointer;
        if (_firstRadix == 4)
        {
            FirstPass4(work);
        }
        else
        {
            FirstPass8(work);
        }
        for (int column = _firstRadix; column < _half; column *= 4)
        {
            Pass4(work, column, twiddles);
            twiddles += 6 * column;
        }
        Split(work, power);
    }

    // Decimation in time: inputs n = q (mod 4) form the q-th quarter, recursively, down to the first pass's radix.
    private int Reversed(int n, int size) => size == _firstRadix ? n : n % 4 * (size / 4) + Reversed(n / 4, size / 4);

    private void Load(float* samples, int hop, float* work)
    {
        float* window = _window.Pointer;
        fixed (int* position = _position)
        {
            for (int n = 0; n < 2 * _half; n += 8)
            {
                Vector256<float> w = Vector256.LoadAligned(window + n);
                float* source = samples + n;
                Vector256<float> r0 = Vector256.Load(source) * w, r1 = Vector256.Load(source + hop) * w;
                Vector256<float> r2 = Vector256.Load(source + 2 * hop) * w, r3 = Vector256.Load(source + 3 * hop) * w;
                Vector256<float> r4 = Vector256.Load(source + 4 * hop) * w, r5 = Vector256.Load(source + 5 * hop) * w;
                Vector256<float> r6 = Vector256.Load(source + 6 * hop) * w, r7 = Vector256.Load(source + 7 * hop) * w;
                Transpose.Rows(ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);
                int* to = position + n / 2;
                Store(work + to[0], r0, r1);
                Store(work + to[1], r2, r3);
                Store(work + to[2], r4, r5);
                Store(work + to[3], r6, r7);
            }
        }
    }

    private void FirstPass4(float* z)
    {
        for (float* end = z + WorkLength; z < end; z += 4 * Element)
        {
            Butterfly4(
                z,
                Element,
                Vector256.LoadAligned(z), Vector256.LoadAligned(z + 8),
                Vector256.LoadAligned(z + 16), Vector256.LoadAligned(z + 24),
                Vector256.LoadAligned(z + 32), Vector256.LoadAligned(z + 40),
                Vector256.LoadAligned(z + 48), Vector256.LoadAligned(z + 56));
        }
    }

    // A radix-8 butterfly: a four-point transform of the even and of the odd inputs, the odd results turned by multiples of 45°.
    private void FirstPass8(float* z)
    {
        Vector256<float> diagonal = Vector256.Create((float)Math.Sqrt(0.5));
        for (float* end = z + WorkLength; z < end; z += 8 * Element)
        {
            Butterfly4(
                z,
                2 * Element,
                Vector256.LoadAligned(z), Vector256.LoadAligned(z + 8),
                Vector256.LoadAligned(z + 32), Vector256.LoadAligned(z + 40),
                Vector256.LoadAligned(z + 64), Vector256.LoadAligned(z + 72),
                Vector256.LoadAligned(z + 96), Vector256.LoadAligned(z + 104));
            float* odd = z + Element;
            Butterfly4(
                odd,
                2 * Element,
                Vector256.LoadAligned(odd), Vector256.LoadAligned(odd + 8),
                Vector256.LoadAligned(odd + 32), Vector256.LoadAligned(odd + 40),
                Vector256.LoadAligned(odd + 64), Vector256.LoadAligned(odd + 72),
                Vector256.LoadAligned(odd + 96), Vector256.LoadAligned(odd + 104));
            // Even results E0…E3 sit at elements 0, 2, 4, 6 and odd ones O0…O3 at 1, 3, 5, 7; results are E + wO and E - wO.
            Vector256<float> e0r = Vector256.LoadAligned(z), e0i = Vector256.LoadAligned(z + 8);
            Vector256<float> o0r = Vector256.LoadAligned(z + 16), o0i = Vector256.LoadAligned(z + 24);
            Vector256<float> e1r = Vector256.LoadAligned(z + 32), e1i = Vector256.LoadAligned(z + 40);
            Vector256<float> o1r = Vector256.LoadAligned(z + 48), o1i = Vector256.LoadAligned(z + 56);
            Vector256<float> e2r = Vector256.LoadAligned(z + 64), e2i = Vector256.LoadAligned(z + 72);
            Vector256<float> o2r = Vector256.LoadAligned(z + 80), o2i = Vector256.LoadAligned(z + 88);
            Vector256<float> e3r = Vector256.LoadAligned(z + 96), e3i = Vector256.LoadAligned(z + 104);
            Vector256<float> o3r = Vector256.LoadAligned(z + 112), o3i = Vector256.LoadAligned(z + 120);
            Vector256<float> t1r = (o1r + o1i) * diagonal, t1i = (o1i - o1r) * diagonal;
            Vector256<float> t3r = (o3i - o3r) * diagonal, t3i = -(o3r + o3i) * diagonal;
            Store(z, e0r + o0r, e0i + o0i);
            Store(z + 16, e1r + t1r, e1i + t1i);
            Store(z + 32, e2r + o2i, e2i - o2r);
            Store(z + 48, e3r + t3r, e3i + t3i);
            Store(z + 64, e0r - o0r, e0i - o0i);
            Store(z + 80, e1r - t1r, e1i - t1i);
            Store(z + 96, e2r - o2i, e2i + o2r);
            Store(z + 112, e3r - t3r, e3i - t3i);
        }
    }

    private void Pass4(float* z, int column, float* twiddles)
    {
        int stride = Element * column;
        for (float* end = z + WorkLength; z < end; z += 4 * stride)
        {
            float* w = twiddles;
            for (float* a = z; a < z + stride; a += Element, w += 6)
            {
                Turn(a + stride, w, out Vector256<float> br, out Vector256<float> bi);
                Turn(a + 2 * stride, w + 2, out Vector256<float> cr, out Vector256<float> ci);
                Turn(a + 3 * stride, w + 4, out Vector256<float> dr, out Vector256<float> di);
                Butterfly4(a, stride, Vector256.LoadAligned(a), Vector256.LoadAligned(a + 8), br, bi, cr, ci, dr, di);
            }
        }
    }

    // X[k] = E + wO and X[n/2 - k] = conj(E - wO), E and O the even and odd samples' spectra recovered from the packed transform.
    private void Split(float* z, float* power)
    {
        float* w = _split.Pointer;
        Vector256<float> two = Vector256.Create(2f);
        Vector256<float> r = Vector256.LoadAligned(z), i = Vector256.LoadAligned(z + 8);
        Vector256<float> first = (r + i) * two, last = (r - i) * two;
        (first * first).StoreAligned(power);
        (last * last).StoreAligned(power + Lanes * _half);
        float* a = z + Element;
        float* b = z + Element * (_half - 1);
        float* up = power + Lanes;
        float* down = power + Lanes * (_half - 1);
        for (; a <= b; a += Element, b -= Element, up += Lanes, down -= Lanes)
        {
            w += 2;
            Vector256<float> wr = Vector256.Create(w[0]), wi = Vector256.Create(w[1]);
            Vector256<float> ar = Vector256.LoadAligned(a), ai = Vector256.LoadAligned(a + 8);
            Vector256<float> br = Vector256.LoadAligned(b), bi = Vector256.LoadAligned(b + 8);
            Vector256<float> er = ar + br, ei = ai - bi;
            Vector256<float> or = ai + bi, oi = br - ar;
            Vector256<float> tr = Vector256.FusedMultiplyAdd(or, wr, -(oi * wi)), ti = Vector256.FusedMultiplyAdd(or, wi, oi * wr);
            Vector256<float> pr = er + tr, pi = ei + ti, mr = er - tr, mi = ei - ti;
            Vector256.FusedMultiplyAdd(pr, pr, pi * pi).StoreAligned(up);
            Vector256.FusedMultiplyAdd(mr, mr, mi * mi).StoreAligned(down);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(float* z, float* w, out Vector256<float> real, out Vector256<float> imaginary)
    {
        Vector256<float> r = Vector256.LoadAligned(z), i = Vector256.LoadAligned(z + 8);
        Vector256<float> wr = Vector256.Create(w[0]), wi = Vector256.Create(w[1]);
        real = Vector256.FusedMultiplyAdd(r, wr, -(i * wi));
        imaginary = Vector256.FusedMultiplyAdd(r, wi, i * wr);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Butterfly4(
        float* to, int stride,
        Vector256<float> ar, Vector256<float> ai, Vector256<float> br, Vector256<float> bi,
        Vector256<float> cr, Vector256<float> ci, Vector256<float> dr, Vector256<float> di)
    {
        Vector256<float> sumR = ar + cr, sumI = ai + ci, gapR = ar - cr, gapI = ai - ci;
        Vector256<float> oddR = br + dr, oddI = bi + di, turnR = br - dr, turnI = bi - di;
        Store(to, sumR + oddR, sumI + oddI);
        Store(to + stride, gapR + turnI, gapI - turnR);
        Store(to + 2 * stride, sumR - oddR, sumI - oddI);
        Store(to + 3 * stride, gapR - turnI, gapI + turnR);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, Vector256<float> real, Vector256<float> imaginary)
    {
        real.StoreAligned(to);
        imaginary.StoreAligned(to + Lanes);
    }
}
