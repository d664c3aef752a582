using System.Text.Encodings.Web;
using System.Text.Json;
using Xkd.Model.Evaluation;

namespace Xkd.Experiments.AvDigits;

/// <summary>What one row came to with one seed: <c>result.json</c> of its folder.</summary>
internal sealed record RowResult
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public int Schema { get; init; } = 1;

    public required string Row { get; init; }

    public required long Seed { get; init; }

    /// <summary>SHA-256 of everything it is a function of: the pre-training and probing configurations and the caches' contents.</summary>
    public required string Inputs { get; init; }

    public required long Steps { get; init; }

    /// <summary>Of training and probing, over all starts that completed a part.</summary>
    public required double Seconds { get; init; }

    public required string Device { get; init; }

    /// <summary>The probes, by modality.</summary>
    public required IReadOnlyDictionary<string, EvaluationResult> Probes { get; init; }

    /// <summary>Null where the row is not done.</summary>
    public static RowResult? Read(string path) => File.Exists(path) ? JsonSerializer.Deserialize<RowResult>(File.ReadAllText(path), Json) : null;

    /// <summary>Writes beside the place and renames.</summary>
    public void Write(string path)
    {
        File.WriteAllText(path + ".tmp", JsonSerializer.Serialize(this, Json) + "\n");
        File.Move(path + ".tmp", path, overwrite: true);
    }
}
