using System.Globalization;
using Xkd.Model.Evaluation;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Evaluation;

/// <summary>
/// What an evaluation leaves: <c>results.json</c> (the mean over several folds, each fold in a file of its own), the table of classes, the confusion matrix, a
/// page.
/// </summary>
internal static class EvaluationFiles
{
    private const int MostNamed = 3;

    /// <summary>Writes the files; gives what <c>results.json</c> holds.</summary>
    /// <param name="folder">Made where there is none.</param>
    /// <param name="folds">One result, or one of each fold.</param>
    /// <param name="stop">Ends it.</param>
    /// <param name="features">The test clips' feature file, for a map of it; null where there is none.</param>
    public static async Task<EvaluationResult> WriteAsync(string folder, IReadOnlyList<EvaluationResult> folds, CancellationToken stop, string? features = null)
    {
        Directory.CreateDirectory(folder);
        var result = folds.Count == 1 ? folds[0] : EvaluationResult.MeanOf(folds) with { Confusion = Sum(folds) };
        foreach (var fold in folds.Count > 1 ? folds : [])
        {
            fold.Write(Path.Combine(folder, $"fold-{fold.Fold}.json"));
        }

        var table = result.PerClass.OrderBy(c => c.Key, StringComparer.Ordinal)
            .Select(c => string.Create(CultureInfo.InvariantCulture, $"\"{c.Key.Replace("\"", "\"\"", StringComparison.Ordinal)}\",{c.Value:f4}"));
        await File.WriteAllLinesAsync(Path.Combine(folder, "per_class.csv"), table.Prepend($"class,{result.Metric}"), stop).ConfigureAwait(false);
        var picture = result.Confusion is { } confusion ? ConfusionPicture.Png(confusion, result.Classes!) : null;
        if (picture is not null)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "confusion.png"), picture, stop).ConfigureAwait(false);
        }

        var predictions = Path.Combine(folder, "predictions.parquet");
        File.Delete(predictions); // an earlier evaluation's
        if (result.Predictions.Count > 0)
        {
            await PredictionsAsync(predictions, result, folds[0], stop).ConfigureAwait(false);
        }

        result.Write(Path.Combine(folder, "results.json"));
        var map = features is null
            ? null
            : await FeatureScatter.ChartAsync(features, "Each point is a clip; the colour is its class", stop).ConfigureAwait(false);
        EvaluationPage.Of(result, picture, map).Save(Path.Combine(folder, EvaluationPage.FileName));
        return result;
    }

    /// <summary>One line for a person: what, the value, and how it came about.</summary>
    public static string Summary(EvaluationResult r)
    {
        var fold = r.Folds is { } folds ? $", mean of folds {string.Join(", ", folds.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Key}: {f.Value:f2}")))}" : r.Fold is int f1 ? $", fold {f1}" : string.Empty;
        var top5 = r.Top5 is double t ? string.Create(CultureInfo.InvariantCulture, $", top5 {t:f2} %") : string.Empty;
        var further = string.Concat(r.Further?.Select(p => string.Create(CultureInfo.InvariantCulture, $", {p.Key} {p.Value:f3}")) ?? []);
        var hardest = r.PerClass.Count > MostNamed
            ? "; hardest: " + string.Join(", ", r.PerClass.OrderBy(c => c.Value).Take(MostNamed).Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {c.Value:f1}")))
            : string.Empty;
        var notes = r.Notes is { } n ? $"; {string.Join("; ", n)}" : string.Empty;
        return string.Create(CultureInfo.InvariantCulture, $"{r.Dataset} {r.Protocol} {r.Modality} {r.Branch}: {r.Metric} {r.Value:f2} %{top5}{further}{fold} ({r.Selection}){hardest}{notes}");
    }

    // Of every recording one row; folds have the same classes, or those of another are left out.
    private static async Task PredictionsAsync(string path, EvaluationResult result, EvaluationResult first, CancellationToken stop)
    {
        var classes = first.Classes!;
        var writer = await PredictionFileWriter.CreateAsync(path, classes).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            foreach (var prediction in result.Predictions.Where(p => p.Scores.Length == classes.Count))
            {
                stop.ThrowIfCancellationRequested();
                await writer.AppendAsync(prediction.Rows(classes, result.Threshold).First()).ConfigureAwait(false);
            }

            await writer.CommitAsync().ConfigureAwait(false);
        }
    }

    private static int[][]? Sum(IReadOnlyList<EvaluationResult> folds) => folds.All(f => f.Confusion is not null && f.Classes!.SequenceEqual(folds[0].Classes!, StringComparer.Ordinal))
        ? [.. folds[0].Confusion!.Select((row, i) => row.Select((_, j) => folds.Sum(f => f.Confusion![i][j])).ToArray())]
        : null;
}
