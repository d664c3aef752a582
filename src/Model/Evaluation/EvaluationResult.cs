using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>One line of knowledge about a set of weights: the content of an evaluation's <c>results.json</c>.</summary>
public sealed record EvaluationResult
{
    internal static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public int Schema { get; init; } = 1;

    /// <summary>The data set that the test cache was ingested from; of caches that do not say, and of feature files, the configuration's.</summary>
    public required string Dataset { get; init; }

    /// <summary>The data set that the configuration is for; null where none was used.</summary>
    public string? Config { get; init; }

    /// <summary><c>svm</c>, <c>linear</c> or <c>finetune</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>Fold number; null where the data set has none and for the mean over several (see <see cref="Folds"/>).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? Fold { get; init; }

    /// <summary><c>video</c>, <c>audio</c> or <c>av</c>.</summary>
    public required string Modality { get; init; }

    /// <summary><c>teacher</c> or <c>student</c>.</summary>
    public required string Branch { get; init; }

    public ulong Seed { get; init; }

    /// <summary><c>top1</c> (percent) or <c>map</c> (percent).</summary>
    public string Metric { get; init; } = "top1";

    public double Value { get; init; }

    /// <summary>The metric of each class, by name; a class without test clips is absent.</summary>
    public IReadOnlyDictionary<string, double> PerClass { get; init; } = new Dictionary<string, double>();

    /// <summary>The SVM's C; null for other protocols, and for the mean over folds that chose differently.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? C { get; init; }

    /// <summary>SHA-256 of the weights file, lower-case hexadecimal.</summary>
    public required string WeightsSha256 { get; init; }

    /// <summary>How C was chosen.</summary>
    public string? Selection { get; init; }

    /// <summary>Accuracy on the held-out training clips by C, percent.</summary>
    public IReadOnlyDictionary<string, double>? HeldOut { get; init; }

    /// <summary>Whether every fit of an SVM reached its optimum; null for other protocols.</summary>
    public bool? Converged { get; init; }

    /// <summary>Passes over the features that the longest of those fits took.</summary>
    public int? Passes { get; init; }

    public double? Top5 { get; init; }

    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>Counts by true class (row) and predicted class (column).</summary>
    public IReadOnlyList<int[]>? Confusion { get; init; }

    /// <summary>What was not done as by default: each released behaviour and shrinking that shaped the value.</summary>
    public IReadOnlyList<string>? Notes { get; init; }

    /// <summary>Training and test clips.</summary>
    public IReadOnlyDictionary<string, int>? Clips { get; init; }

    /// <summary>Score of the training's evaluations by epoch, percent.</summary>
    public IReadOnlyDictionary<string, double>? Epochs { get; init; }

    /// <summary>Value of each fold, for the mean over several.</summary>
    public IReadOnlyDictionary<string, double>? Folds { get; init; }

    /// <summary>Further measures by name (mean AUC, d′, …); values that are not finite are left out by the caller.</summary>
    public IReadOnlyDictionary<string, double>? Further { get; init; }

    /// <summary>What every test recording was taken for; of features in files there is none, and of several draws of labels the first's.</summary>
    [JsonIgnore]
    public IReadOnlyList<ClipPrediction> Predictions { get; init; } = [];

    /// <summary>
    /// Score above which a class is predicted where a clip may have several: half a probability, or the right side of an SVM or a logit. Null for one class a
    /// clip.
    /// </summary>
    [JsonIgnore]
    public double? Threshold => ThresholdOf(Metric, Protocol);

    internal static double? ThresholdOf(string metric, string protocol) => metric == "top1" ? null : protocol == "linear" ? 0.5 : 0;

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static EvaluationResult FromJson(string json) =>
        JsonSerializer.Deserialize<EvaluationResult>(json, Json) ?? throw new JsonException("an evaluation result is null");

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Write(string path) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToJson() + "\n")));

    /// <summary>The mean over folds: values and per-class values averaged, the fold left empty.</summary>
    public static EvaluationResult MeanOf(IReadOnlyList<EvaluationResult> folds) => folds[0] with
    {
        Fold = null,
        Value = folds.Average(f => f.Value),
        Top5 = folds.All(f => f.Top5 is not null) ? folds.Average(f => f.Top5!.Value) : null,
        PerClass = folds.SelectMany(f => f.PerClass)
            .GroupBy(p => p.Key, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Average(p => p.Value), StringComparer.Ordinal),
        C = folds.All(f => f.C == folds[0].C) ? folds[0].C : null,
        Selection = folds[0].Selection is null ? null : "per fold",
        Converged = folds.All(f => f.Converged is not null) ? folds.All(f => f.Converged!.Value) : null,
        Passes = folds.Max(f => f.Passes),
        Notes = folds.All(f => f.Notes is null) ? null : [.. folds.SelectMany(f => f.Notes ?? []).Distinct(StringComparer.Ordinal)],
        HeldOut = null,
        Confusion = null,
        Clips = null,
        Epochs = null,
        Further = Shared(folds),
        Predictions = [.. folds.SelectMany(f => f.Predictions)],
        Folds = folds.ToDictionary(f => $"{f.Fold}", f => f.Value, StringComparer.Ordinal),
    };

    private static Dictionary<string, double>? Shared(IReadOnlyList<EvaluationResult> folds) => folds.All(f => f.Further is not null)
        ? folds[0].Further!.Keys
            .Where(k => folds.All(f => f.Further!.ContainsKey(k)))
            .ToDictionary(k => k, k => folds.Average(f => f.Further![k]), StringComparer.Ordinal)
        : null;

    /// <summary>Numbers of clips, as <see cref="Clips"/> has them.</summary>
    internal static IReadOnlyDictionary<string, int> Sizes(int train, int test) =>
        new Dictionary<string, int>(StringComparer.Ordinal) { ["train"] = train, ["test"] = test };

    /// <summary>This identity with what an SVM probe found.</summary>
    public EvaluationResult With(SvmProbeResult found) => With(found.Scores) with
    {
        C = found.Model.C,
        Selection = found.Selection,
        HeldOut = found.HeldOut.Count == 0 ? null : found.HeldOut.ToDictionary(p => $"{p.Key}", p => p.Value, StringComparer.Ordinal),
        Classes = found.Classes,
        Converged = found.Converged,
        Passes = found.Passes,
        Notes = found.Note is null ? Notes : [.. Notes ?? [], found.Note],
    };

    /// <summary>This identity with what the scores of its test clips are worth.</summary>
    public EvaluationResult With(ClipScores scores) => this with
    {
        Metric = scores.Metric,
        Value = scores.Value,
        Top5 = scores.Top5,
        PerClass = scores.PerClass,
        Confusion = scores.Confusion?.ToRows(),
        Further = scores.Further.Count == 0 ? null : scores.Further,
    };
}
