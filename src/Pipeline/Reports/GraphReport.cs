using System.Globalization;
using System.Text.Json.Serialization;

namespace Xkd.Pipeline;

/// <summary>
/// Where a graph's time went, and which stage sets its pace. The same record serves ingest, training and the profiler.
/// </summary>
public sealed record GraphReport
{
    private const double Saturated = 0.9999;

    [JsonPropertyName("graph")]
    public required string Graph { get; init; }

    /// <summary>Seconds from the start of the run to its end, or to now.</summary>
    [JsonPropertyName("seconds")]
    public required double Seconds { get; init; }

    [JsonPropertyName("stages")]
    public required IReadOnlyList<StageReport> Stages { get; init; }

    /// <summary>
    /// Each stage's share in the waiting of the whole graph; they sum to 1. A stage at utilisation u makes its neighbours wait in
    /// proportion to u / (1 - u), the mean queue length in front of a server that busy.
    /// </summary>
    [JsonPropertyName("wait_ratios")]
    public required IReadOnlyDictionary<string, double> WaitRatios { get; init; }

    /// <summary>The stage with the largest wait ratio.</summary>
    [JsonPropertyName("bottleneck")]
    public required string Bottleneck { get; init; }

    /// <summary>One sentence: the bottleneck, by how much, and what to do.</summary>
    [JsonPropertyName("remedy")]
    public required string Remedy { get; init; }

    /// <summary>How full the graph was over time; empty unless the run was traced.</summary>
    [JsonIgnore]
    public IReadOnlyList<OccupancySample> Timeline { get; init; } = [];

    /// <summary>The most bytes of payload held at once; 0 without a budget.</summary>
    [JsonPropertyName("peak_bytes")]
    public long PeakBytes { get; init; }

    /// <summary>Attributes the waiting to the stages.</summary>
    /// <param name="graph">The graph's name.</param>
    /// <param name="seconds">The run's length.</param>
    /// <param name="stages">At least one stage, in the order of the flow.</param>
    /// <param name="peakBytes">Peak of the byte budget.</param>
    public static GraphReport Of(string graph, double seconds, IReadOnlyList<StageReport> stages, long peakBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfZero(stages.Count);
        double[] weights = [.. stages.Select(s => Math.Min(s.Utilisation, Saturated)).Select(u => u / (1 - u))];
        var total = weights.Sum();
        var worst = 0;
        Dictionary<string, double> ratios = new(StringComparer.Ordinal);
        for (var i = 0; i < stages.Count; i++)
        {
            ratios[stages[i].Name] = total > 0 ? weights[i] / total : 1.0 / stages.Count;
            worst = stages[i].Utilisation > stages[worst].Utilisation ? i : worst;
        }

        return new GraphReport
        {
            Graph = graph,
            Seconds = seconds,
            Stages = stages,
            WaitRatios = ratios,
            Bottleneck = stages[worst].Name,
            Remedy = Sentence(stages, worst),
            PeakBytes = peakBytes,
        };
    }

    private static string Sentence(IReadOnlyList<StageReport> stages, int worst)
    {
        var neighbours = Math.Max(
            worst > 0 ? stages[worst - 1].Utilisation : 0,
            worst < stages.Count - 1 ? stages[worst + 1].Utilisation : 0);
        var factor = stages[worst].Utilisation >= 100 * neighbours
            ? "over 100x"
            : (stages[worst].Utilisation / neighbours).ToString("0.0", CultureInfo.InvariantCulture) + "x";
        return $"{stages[worst].Title} is the bottleneck at {factor} its neighbours: {stages[worst].Remedy}";
    }
}
