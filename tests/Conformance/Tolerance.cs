using System.IO.Enumeration;
using System.Text.Json;

namespace Xkd.Conformance;

/// <summary>Pass if <c>|a − b| ≤ Atol + Rtol·|b|</c>, but for a stated fraction of outliers bounded by <see cref="OutlierAtol"/>.</summary>
public sealed record Tolerance(double Rtol, double Atol, double OutlierFraction, double OutlierAtol)
{
    /// <summary>The tolerance that case's manifest states for <paramref name="name"/>: its own entry, else the first matching pattern, else the default.</summary>
    public static Tolerance For(JsonElement tolerance, string name)
    {
        var fallback = Read(tolerance, new Tolerance(0, 0, 0, 0));
        if (!tolerance.TryGetProperty("overrides", out var overrides))
        {
            return fallback;
        }

        if (overrides.TryGetProperty(name, out var exact))
        {
            return Read(exact, fallback);
        }

        foreach (var pattern in overrides.EnumerateObject())
        {
            if (pattern.Name.Contains('*', StringComparison.Ordinal) && FileSystemName.MatchesSimpleExpression(pattern.Name, name, ignoreCase: false))
            {
                return Read(pattern.Value, fallback);
            }
        }

        return fallback;
    }

    /// <summary>A tolerance object <c>{rtol, atol, …}</c>; what it leaves out comes from <paramref name="fallback"/>.</summary>
    public static Tolerance Read(JsonElement json, Tolerance fallback) => new(
        Number(json, "rtol", fallback.Rtol),
        Number(json, "atol", fallback.Atol),
        Number(json, "allowed_outlier_fraction", fallback.OutlierFraction),
        Number(json, "outlier_atol", fallback.OutlierAtol));

    private static double Number(JsonElement json, string name, double fallback) =>
        json.TryGetProperty(name, out var value) ? value.GetDouble() : fallback;
}
