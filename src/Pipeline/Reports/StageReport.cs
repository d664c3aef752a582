using System.Text.Json.Serialization;

namespace Xkd.Pipeline;

/// <summary>What one stage of a graph measured.</summary>
public sealed record StageReport
{
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    /// <summary>Items worked on at once.</summary>
    [JsonPropertyName("parallelism")]
    public required int Parallelism { get; init; }

    /// <summary>Items that went through, failed ones included.</summary>
    [JsonPropertyName("count")]
    public required long Count { get; init; }

    /// <summary>Items whose work threw or whose outcome says it failed.</summary>
    [JsonPropertyName("failed")]
    public required long Failed { get; init; }

    /// <summary>Mean milliseconds of work per item, waits excluded.</summary>
    [JsonPropertyName("mean_ms")]
    public required double MeanMs { get; init; }

    /// <summary>Median milliseconds of work per item.</summary>
    [JsonPropertyName("p50_ms")]
    public required double P50Ms { get; init; }

    /// <summary>99th percentile of milliseconds of work per item.</summary>
    [JsonPropertyName("p99_ms")]
    public required double P99Ms { get; init; }

    /// <summary>Seconds, summed over the workers, in which finished items waited for the next queue or for byte credit.</summary>
    [JsonPropertyName("put_wait")]
    public required double PutWait { get; init; }

    /// <summary>Seconds, summed over the workers, spent waiting for an item to work on.</summary>
    [JsonPropertyName("get_wait")]
    public required double GetWait { get; init; }

    /// <summary>How full the queue in front of the stage was, 0 to 1, averaged over time.</summary>
    [JsonPropertyName("occupancy")]
    public required double Occupancy { get; init; }

    /// <summary>Share of the workers' time, 0 to 1, spent working.</summary>
    [JsonPropertyName("utilisation")]
    public required double Utilisation { get; init; }

    /// <summary>Bytes of payload that came out (of the last stage: went in).</summary>
    [JsonPropertyName("bytes")]
    public required long Bytes { get; init; }

    /// <summary>What it is called in sentences and tables.</summary>
    [JsonIgnore]
    public string Title { get => field ?? Name; init; }

    /// <summary>What to do when this stage is the bottleneck.</summary>
    [JsonIgnore]
    public string Remedy { get; init; } = "";
}
