using System.Runtime.CompilerServices;

namespace Xkd.Pipeline;

// The passes: spectra of a part of the samples each become one of four or eight times their length.
internal sealed unsafe partial class PowerSpectrum<T>
{
    private void Pass<TSink>(int pass, float* from, nint apart, int length, float* to)
        where TSink : ISink
    {
        if (_radices[pass] == 8)
        {
            Pass8<TSink>(from, apart, length, _turns[pass].Pointer, to);
        }
        else
        {
            Pass4<TSink>(from, apart, length, _turns[pass].Pointer, to);
        }
    }

    // X[k + Lq] = Σ w^(sk) i^(-sq) X_s[k]: slots k give bins k + Lq and, as conjugates, L(4 - q) - k. Slot 0 holds two real columns, k = 0 and k = L/2.
    private static void Pass4<TSink>(float* from, nint apart, nint length, float* turns, float* to)
        where TSink : ISink
    {
        RealDft<T>.Four(T.Load(from), T.Load(from + apart), T.Load(from + 2 * apart), T.Load(from + 3 * apart), out var x0, out var x1r, out var x1i, out var x2);
        TSink.PutEnds(to, 4 * length, x0, x2);
        TSink.Put(to, length, x1r, x1i);
        var middle = from + T.Count;
        RealDft<T>.OddOfEight(T.Load(middle), T.Load(middle + apart), T.Load(middle + 2 * apart), T.Load(middle + 3 * apart), out x1r, out x1i, out var x3r, out var x3i);
        TSink.Put(to, length / 2, x1r, x1i);
        TSink.Put(to, length + length / 2, x3r, x3i);
        for (var slot = 1; slot < length / 2; slot++, turns += 6)
        {
            from += 2 * T.Count;
            T ar = T.Load(from), ai = T.Load(from + T.Count);
            T br = TurnedReal(from + apart, turns), bi = TurnedImaginary(from + apart, turns);
            T cr = TurnedReal(from + 2 * apart, turns + 2), ci = TurnedImaginary(from + 2 * apart, turns + 2);
            T dr = TurnedReal(from + 3 * apart, turns + 4), di = TurnedImaginary(from + 3 * apart, turns + 4);
            T sumR = ar + cr, sumI = ai + ci, gapR = ar - cr, gapI = ai - ci;
            T oddR = br + dr, oddI = bi + di, turnR = br - dr, turnI = bi - di;
            TSink.Put(to, slot, sumR + oddR, sumI + oddI);
            TSink.Put(to, slot + length, gapR + turnI, gapI - turnR);
            TSink.Put(to, 2 * length - slot, sumR - oddR, oddI - sumI);
            TSink.PutConjugate(to, length - slot, gapR - turnI, gapI + turnR);
        }
    }

    private static void Pass8<TSink>(float* from, nint apart, nint length, float* turns, float* to)
        where TSink : ISink
    {
        RealDft<T>.Eight(
            T.Load(from), T.Load(from + apart), T.Load(from + 2 * apart), T.Load(from + 3 * apart),
            T.Load(from + 4 * apart), T.Load(from + 5 * apart), T.Load(from + 6 * apart), T.Load(from + 7 * apart),
            out var x0, out var x1r, out var x1i, out var x2r, out var x2i, out var x3r, out var x3i, out var x4);
        TSink.PutEnds(to, 8 * length, x0, x4);
        TSink.Put(to, length, x1r, x1i);
        TSink.Put(to, 2 * length, x2r, x2i);
        TSink.Put(to, 3 * length, x3r, x3i);
        var middle = from + T.Count;
        RealDft<T>.OddOfSixteen(
            T.Load(middle), T.Load(middle + apart), T.Load(middle + 2 * apart), T.Load(middle + 3 * apart),
            T.Load(middle + 4 * apart), T.Load(middle + 5 * apart), T.Load(middle + 6 * apart), T.Load(middle + 7 * apart),
            out x1r, out x1i, out x3r, out x3i, out var x5r, out var x5i, out var x7r, out var x7i);
        var at = length / 2;
        TSink.Put(to, at, x1r, x1i);
        TSink.Put(to, at + length, x3r, x3i);
        TSink.Put(to, at + 2 * length, x5r, x5i);
        TSink.Put(to, at + 3 * length, x7r, x7i);
        var diagonal = T.All(0.70710678118654752f);
        for (var slot = 1; slot < length / 2; slot++, turns += 14)
        {
            from += 2 * T.Count;
            T ar = T.Load(from), ai = T.Load(from + T.Count);
            T cr = TurnedReal(from + 2 * apart, turns + 2), ci = TurnedImaginary(from + 2 * apart, turns + 2);
            T er = TurnedReal(from + 4 * apart, turns + 6), ei = TurnedImaginary(from + 4 * apart, turns + 6);
            T gr = TurnedReal(from + 6 * apart, turns + 10), gi = TurnedImaginary(from + 6 * apart, turns + 10);
            T sumR = ar + er, sumI = ai + ei, gapR = ar - er, gapI = ai - ei;
            T oddR = cr + gr, oddI = ci + gi, turnR = cr - gr, turnI = ci - gi;
            T e0r = sumR + oddR, e0i = sumI + oddI, e2r = sumR - oddR, e2i = sumI - oddI;
            T e1r = gapR + turnI, e1i = gapI - turnR, e3r = gapR - turnI, e3i = gapI + turnR;

            T br = TurnedReal(from + apart, turns), bi = TurnedImaginary(from + apart, turns);
            T dr = TurnedReal(from + 3 * apart, turns + 4), di = TurnedImaginary(from + 3 * apart, turns + 4);
            T fr = TurnedReal(from + 5 * apart, turns + 8), fi = TurnedImaginary(from + 5 * apart, turns + 8);
            T hr = TurnedReal(from + 7 * apart, turns + 12), hi = TurnedImaginary(from + 7 * apart, turns + 12);
            (sumR, sumI, gapR, gapI) = (br + fr, bi + fi, br - fr, bi - fi);
            (oddR, oddI, turnR, turnI) = (dr + hr, di + hi, dr - hr, di - hi);
            T o0r = sumR + oddR, o0i = sumI + oddI, o2r = sumI - oddI, o2i = oddR - sumR; // o2 turned by -90°
            TSink.Put(to, slot, e0r + o0r, e0i + o0i);
            TSink.Put(to, 4 * length - slot, e0r - o0r, o0i - e0i);
            TSink.Put(to, slot + 2 * length, e2r + o2r, e2i + o2i);
            TSink.Put(to, 2 * length - slot, e2r - o2r, o2i - e2i);
            T o1r = gapR + turnI, o1i = gapI - turnR, o3r = gapR - turnI, o3i = gapI + turnR;
            T along = o1r + o1i, across = o1i - o1r; // o1 turned by -45°, but for the length
            TSink.Put(to, slot + length, T.MultiplyAdd(along, diagonal, e1r), T.MultiplyAdd(across, diagonal, e1i));
            TSink.Put(to, 3 * length - slot, T.MultiplySubtract(along, diagonal, e1r), across * diagonal - e1i);
            (along, across) = (o3i - o3r, o3r + o3i); // o3 turned by -135°: (along, -across)
            TSink.Put(to, slot + 3 * length, T.MultiplyAdd(along, diagonal, e3r), T.MultiplySubtract(across, diagonal, e3i));
            TSink.PutConjugate(to, length - slot, T.MultiplySubtract(along, diagonal, e3r), T.MultiplyAdd(across, diagonal, e3i));
        }
    }

    // Two functions, as results by reference go through memory even where they are inlined.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T TurnedReal(float* z, float* w) => T.MultiplySubtract(T.Load(z + T.Count), T.All(w[1]), T.Load(z) * T.All(w[0]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T TurnedImaginary(float* z, float* w) => T.MultiplyAdd(T.Load(z), T.All(w[1]), T.Load(z + T.Count) * T.All(w[0]));

    private interface ISink
    {
        static abstract void Put(float* to, nint bin, T real, T imaginary);

        static abstract void PutConjugate(float* to, nint bin, T real, T imaginary);

        static abstract void PutEnds(float* to, nint length, T first, T last);
    }

    private readonly struct SlotSink : ISink
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Put(float* to, nint bin, T real, T imaginary)
        {
            T.Store(real, to + 2 * T.Count * bin);
            T.Store(imaginary, to + 2 * T.Count * bin + T.Count);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PutConjugate(float* to, nint bin, T real, T imaginary) => Put(to, bin, real, T.All(0) - imaginary);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PutEnds(float* to, nint length, T first, T last) => Put(to, 0, first, last);
    }

    private readonly struct PowerSink : ISink
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Put(float* to, nint bin, T real, T imaginary) => T.Store(T.MultiplyAdd(real, real, imaginary * imaginary), to + T.Count * bin);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PutConjugate(float* to, nint bin, T real, T imaginary) => Put(to, bin, real, imaginary);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void PutEnds(float* to, nint length, T first, T last)
        {
            T.Store(first * first, to);
            T.Store(last * last, to + T.Count * (length / 2));
        }
    }
}
