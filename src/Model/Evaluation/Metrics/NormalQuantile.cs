namespace Xkd.Model.Evaluation;

/// <summary>Inverse of the standard normal distribution function, to about 1e-12: Acklam's rational approximation (relative error 1.2e-9) and one Halley step.</summary>
internal static class NormalQuantile
{
    private static readonly double[] A = [-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00];
    private static readonly double[] B = [-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01, -1.328068155288572e+01, 1];
    private static readonly double[] C = [-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00];
    private static readonly double[] D = [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1];

    public static double Of(double probability)
    {
        if (double.IsNaN(probability) || probability is < 0 or > 1)
        {
            return double.NaN;
        }

        if (probability > 0.5)
        {
            return -Of(1 - probability);
        }

        if (probability == 0)
        {
            return double.NegativeInfinity;
        }

        const double Tail = 0.02425;
        double x;
        if (probability < Tail)
        {
            double q = Math.Sqrt(-2 * Math.Log(probability));
            x = Horner(C, q) / Horner(D, q);
        }
        else
        {
            double q = probability - 0.5, r = q * q;
            x = q * Horner(A, r) / Horner(B, r);
        }

        double error = Cumulative(x) - probability;
        double u = error * Math.Sqrt(2 * Math.PI) * Math.Exp(x * x / 2);
        return x - (u / (1 + (x * u / 2)));
    }

    /// <summary>Φ(x) for x ≤ 0, by the continued fraction far out and the series near 0.</summary>
    internal static double Cumulative(double x)
    {
        double density = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
        if (x > -3)
        {
            double term = x, sum = x;
            for (int k = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); k++)
            {
                term *= x * x / ((2 * k) + 1);
                sum += term;
            }

            return 0.5 + (density * sum);
        }

        double fraction = 0;
        for (int k = 120; k >= 1; k--)
        {
            fraction = k / (-x + fraction);
        }

        return density / (-x + fraction);
    }

    private static double Horner(double[] coefficients, double x)
    {
        double value = 0;
        foreach (double c in coefficients)
        {
            value = (value * x) + c;
        }

        return value;
    }
}
