
namespace Xkd.Conformance;

/// <summary>
/// Collects the comparisons of one case. A result that the case expects and nobody compared counts as a failure, so that a
/// topic cannot pass by looking away.
/// </summary>
public sealed class GoldenCheck(GoldenCase golden)
{
    private static readonly string[] ResultPrefixes = ["out/", "final/", "optim/"];

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly List<string> _failures = [];
    private readonly List<string> _excuses = [];

    /// <summary>What went wrong, one line each; empty when everything agreed so far.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>What was deliberately not compared, and why.</summary>
    public IReadOnlyList<string> Excuses => _excuses;

    public int Comparisons { get; private set; }

    /// <summary>Largest error in units of its tolerance over all comparisons: 1 is the limit.</summary>
    public double Worst { get; private set; }

    /// <summary>Compares a float result with the case's tensor <paramref name="name"/> (float32, or float64 rounded), shape included when given.</summary>
    public void Close(string name, ReadOnlySpan<float> actual, ReadOnlySpan<long> shape = default)
    {
        var wide = new double[actual.Length];
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] = actual[i];
        }

        Close(name, wide, shape);
    }

    /// <inheritdoc cref="Close(string, ReadOnlySpan{float}, ReadOnlySpan{long})"/>
    public void Close(string name, ReadOnlySpan<double> actual, ReadOnlySpan<long> shape = default)
    {
        _seen.Add(name);
        if (!golden.Has(name))
        {
            Fail($"{name}: the case has no such tensor");
        }
        else if (!shape.IsEmpty && !shape.SequenceEqual(golden.Shape(name)))
        {
            Fail($"{name}: shape [{string.Join(", ", shape.ToArray())}], expected [{string.Join(", ", golden.Shape(name))}]");
        }
        else
        {
            Compare(name, actual, golden.AsDoubles(name), ToleranceOf(name));
        }
    }

    /// <summary>Compares values against numbers that stand in the manifest rather than in a tensor.</summary>
    public void Values(string what, ReadOnlySpan<double> actual, ReadOnlySpan<double> expected, Tolerance tolerance) => Compare(what, actual, expected, tolerance);

    /// <summary>Exact comparison with an integer or byte tensor of the case.</summary>
    public void Same(string name, ReadOnlySpan<long> actual)
    {
        _seen.Add(name);
        Exact(name, actual.SequenceEqual(golden.Int64s(name)), () => "values differ");
    }

    /// <summary>Compares a byte image within the tolerance that the manifest states (0 where integer arithmetic is to be matched).</summary>
    public void Pixels(string name, ReadOnlySpan<byte> actual)
    {
        var wide = new double[actual.Length];
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] = actual[i];
        }

        Close(name, wide);
    }

    /// <summary>Compares a scalar under <c>scalar:NAME</c>; a name and its <c>_float64</c> twin stand for each other.</summary>
    public void Scalar(string name, double actual)
    {
        _seen.Add("scalar:" + name);
        Compare("scalar:" + name, [actual], [golden.Scalar(name)], ToleranceOf("scalar:" + name));
    }

    public void Equal<T>(string what, T actual, T expected) =>
        Exact(what, EqualityComparer<T>.Default.Equals(actual, expected), () => $"{actual}, expected {expected}");

    public void SameSequence<T>(string what, IEnumerable<T> actual, IEnumerable<T> expected)
    {
        T[] a = [.. actual], e = [.. expected];
        Exact(what, a.AsSpan().SequenceEqual(e), () =>
            $"{a.Length} items, expected {e.Length}; unexpected: {string.Join(", ", a.Except(e).Take(3))}; missing: {string.Join(", ", e.Except(a).Take(3))}");
    }

    public void Fail(string message) => _failures.Add(message);

    /// <summary>Leaves <paramref name="name"/> uncompared on purpose; the reason is printed.</summary>
    public void Excuse(string name, string reason)
    {
        _seen.Add(name);
        _excuses.Add($"{name}: {reason}");
    }

    /// <summary>Adds a failure for each expected result that nothing was compared with, and for each setting and input that had no part in it.</summary>
    public void Complete()
    {
        foreach (var path in golden.Config.Unread())
        {
            Fail($"{path}: stated by the case, never used");
        }

        foreach (var name in golden.Untouched.Order(StringComparer.Ordinal))
        {
            Fail($"{name}: given by the case, never used");
        }

        foreach (var name in golden.TensorNames.Where(n => ResultPrefixes.Any(n.StartsWith) && !_seen.Contains(n)).Order(StringComparer.Ordinal))
        {
            Fail($"{name}: expected by the case, never compared");
        }

        foreach (var name in golden.Scalars.Keys.Where(n => !_seen.Contains("scalar:" + n)))
        {
            var twin = name.EndsWith("_float64", StringComparison.Ordinal) ? name[..^"_float64".Length] : name + "_float64";
            if (!_seen.Contains("scalar:" + twin))
            {
                Fail($"scalar:{name}: expected by the case, never compared");
            }
        }

        if (Comparisons == 0)
        {
            Fail("nothing was compared");
        }
    }

    /// <summary>The tolerance for a tensor or <c>scalar:NAME</c>; a case that states none wants exact equality.</summary>
    public Tolerance ToleranceOf(string name) =>
        golden.Json.TryGetProperty("tolerance", out var tolerance) ? Tolerance.For(tolerance, name) : new Tolerance(0, 0, 0, 0);

    /// <summary>The bound that <c>tolerance.other</c> states for a list of the manifest, such as <c>grad_norms</c>.</summary>
    public Tolerance OtherTolerance(string name, int? index = null)
    {
        var other = golden.Json.GetProperty("tolerance").GetProperty("other").GetProperty(name);
        return Tolerance.Read(index is int i ? other[i] : other, new Tolerance(0, 0, 0, 0));
    }

    private void Exact(string what, bool equal, Func<string> difference)
    {
        Comparisons++;
        if (!equal)
        {
            Fail($"{what}: {difference()}");
        }
    }

    private void Compare(string name, ReadOnlySpan<double> actual, ReadOnlySpan<double> expected, Tolerance tolerance)
    {
        Comparisons++;
        if (actual.Length != expected.Length)
        {
            Fail($"{name}: {actual.Length} values, expected {expected.Length}");
            return;
        }

        int outside = 0, worstIndex = -1;
        double worstExcess = 0, largest = 0;
        for (var i = 0; i < actual.Length; i++)
        {
            double error = Math.Abs(actual[i] - expected[i]), limit = tolerance.Atol + (tolerance.Rtol * Math.Abs(expected[i]));
            var bad = !(error <= limit) && !(double.IsNaN(actual[i]) && double.IsNaN(expected[i])) && !actual[i].Equals(expected[i]);
            var excess = double.IsNaN(error) ? double.PositiveInfinity : limit > 0 ? error / limit : error > 0 ? double.PositiveInfinity : 0;
            Worst = bad || !double.IsInfinity(excess) ? Math.Max(Worst, excess) : Worst;
            if (bad)
            {
                outside++;
                largest = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(largest, error);
                if (worstIndex < 0 || excess > worstExcess)
                {
                    (worstIndex, worstExcess) = (i, excess);
                }
            }
        }

        if (outside > 0 && (outside > tolerance.OutlierFraction * actual.Length || largest > tolerance.OutlierAtol))
        {
            Fail($"{name}: {outside} of {actual.Length} values outside rtol {tolerance.Rtol:g3} atol {tolerance.Atol:g3}; " +
                $"worst [{worstIndex}] {actual[worstIndex]:g9}, expected {expected[worstIndex]:g9}");
        }
    }
}
