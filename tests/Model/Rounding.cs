namespace Xkd.Model.Tests;

/// <summary>
/// What two ways of computing the same may differ by: a figure that one processor's kernels happened to give is no bound on another's. A float32 sum of n terms
/// is off by n·u of the terms' magnitude at most, and by about √n·u (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 4.2).
/// </summary>
internal static class Rounding
{
    /// <summary>u: the relative error of one float32 rounding, half of the distance from 1 to the next number.</summary>
    public const double Unit = 1.0 / (1 << 24);

    /// <summary>Terms of the longest product of the tests' models, a video patch of 2 · 8 · 8 · 3 values.</summary>
    public const int LongestSum = 384;

    /// <summary>
    /// A term of the loss, or a gradient, beside the same of other kernels or of another order, for values of up to 1, relative for larger: 384 · u = 2.3e-5. The bound of one
    /// sum leaves a factor of √384 = 20 over its likely error for the sums that follow one another, and for logits divided by a temperature.
    /// </summary>
    public const double OfAStep = LongestSum * Unit;

    /// <summary>Of a sum of so many terms of up to this magnitude.</summary>
    public static double OfASum(int terms, double magnitude) => terms * Unit * magnitude;
}
