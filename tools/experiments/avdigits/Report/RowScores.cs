using System.Globalization;

namespace Xkd.Experiments.AvDigits;

/// <summary>A row's probe of one modality over its seeds, percent.</summary>
internal readonly record struct RowScores(IReadOnlyList<double> Values)
{
    public double Mean => Values.Average();

    /// <summary>Of the sample: over n − 1.</summary>
    public double Deviation
    {
        get
        {
            var mean = Mean;
            return Values.Count < 2 ? 0 : Math.Sqrt(Values.Sum(v => (v - mean) * (v - mean)) / (Values.Count - 1));
        }
    }

    /// <summary>Null where the row does not train this modality.</summary>
    public static RowScores? Of(IReadOnlyList<RowResult> seeds, string modality)
    {
        double[] values = [.. seeds.Where(s => s.Probes.ContainsKey(modality)).Select(s => s.Probes[modality].Value)];
        return values.Length == 0 ? null : new RowScores(values);
    }

    public override string ToString() => Values.Count < 2
        ? Mean.ToString("f1", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Mean:f1} ± {Deviation:f1}");
}
