using System.Runtime.CompilerServices;

namespace Xkd.Pipeline;

/// <summary>
/// Transforms of a few points in registers: of 4, 8 and 16 real values, their odd halves, and of 4 and 8 complex ones. A real transform of 2n points is one of n
/// of the sums, its even bins, and the odd half of the differences.
/// </summary>
internal static class RealDft<T>
    where T : struct, ILanes<T>
{
    /// <summary>Bins 0 and 2 (real) and 1 of four real values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(T a, T b, T c, T d, out T x0, out T x1r, out T x1i, out T x2)
    {
        T even = a + c, odd = b + d;
        x0 = even + odd;
        x2 = even - odd;
        x1r = a - c;
        x1i = d - b;
    }

    /// <summary>Bins 1 and 3 of eight real values, given the differences x[n] - x[n + 4].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OddOfEight(T a, T b, T c, T d, out T x1r, out T x1i, out T x3r, out T x3i)
    {
        var diagonal = T.All(0.70710678118654752f);
        T across = (b - d) * diagonal, along = (b + d) * diagonal;
        x1r = a + across;
        x3r = a - across;
        x3i = c - along;
        x1i = T.All(0) - (c + along);
    }

    /// <summary>Bins 0 and 4 (real), 1, 2 and 3 of eight real values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Eight(
        T a, T b, T c, T d, T e, T f, T g, T h, out T x0, out T x1r, out T x1i, out T x2r, out T x2i, out T x3r, out T x3i, out T x4)
    {
        Four(a + e, b + f, c + g, d + h, out x0, out x2r, out x2i, out x4);
        OddOfEight(a - e, b - f, c - g, d - h, out x1r, out x1i, out x3r, out x3i);
    }

    /// <summary>Bins 1, 3, 5 and 7 of sixteen real values, given the differences x[n] - x[n + 8].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OddOfSixteen(
        T a, T b, T c, T d, T e, T f, T g, T h, out T x1r, out T x1i, out T x3r, out T x3i, out T x5r, out T x5i, out T x7r, out T x7i)
    {
        // The differences n and n + 4 as one complex value a - ie, turned by n sixteenths: four points whose bins are 1, 5, 9 = 7* and 13 = 3*.
        T cos = T.All(0.92387953251128676f), sin = T.All(0.38268343236508977f), diagonal = T.All(0.70710678118654752f);
        T br = T.MultiplySubtract(f, sin, b * cos), bi = T.MultiplyAdd(f, cos, b * sin);     // conjugates, so that no sign is lost on the way
        T cr = (c - g) * diagonal, ci = (c + g) * diagonal;
        T dr = T.MultiplySubtract(h, cos, d * sin), di = T.MultiplyAdd(h, sin, d * cos);
        T sumR = a + cr, sumI = e + ci, gapR = a - cr, gapI = e - ci;
        T oddR = br + dr, oddI = bi + di, turnR = br - dr, turnI = bi - di;
        // Y = conj(D): Y0 = sum + odd, Y1 = gap + i·turn, Y2 = sum - odd, Y3 = gap - i·turn.
        x1r = sumR + oddR;
        x1i = T.All(0) - (sumI + oddI);
        x5r = gapR - turnI;
        x5i = T.All(0) - (gapI + turnR);
        x7r = sumR - oddR;
        x7i = sumI - oddI;
        x3r = gapR + turnI;
        x3i = gapI - turnR;
    }
}
