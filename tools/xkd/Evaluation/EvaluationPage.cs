using System.Globalization;
using Xkd.Model.Evaluation;
using Xkd.Pipeline;

namespace Xkd.Cli.Evaluation;

/// <summary>An evaluation's page: the result in a sentence, each class's score, what is taken for what, and a map of features that are in a file.</summary>
internal static class EvaluationPage
{
    public const string FileName = "report.html";

    private const int MostInMatrix = 40, MostConfusions = 20;

    public static HtmlReport Of(EvaluationResult result, byte[]? confusionPicture, PageChart? map)
    {
        HtmlReport page = new($"XKD evaluation: {result.Dataset}, {result.Protocol}");
        page.Verdict(Sentence(result), VerdictLevel.Plain);
        foreach (var note in result.Notes ?? [])
        {
            page.Verdict($"Note: {note}.", VerdictLevel.Warning);
        }

        page.Table(["", "value"], Facts(result).Select(f => (string[])[f.What, f.Value]));
        AddSettings(page, result);
        if (result.PerClass.Count > 0)
        {
            page.Heading($"{Metric(result)} of each class, percent")
                .Table(["class", "test clips", "%", "most often taken for"], result.PerClass.Select(c => Class(result, c.Key, c.Value)));
        }

        AddConfusions(page, result, confusionPicture);
        if (map is not null)
        {
            page.Heading("Features of the test clips").Chart(map);
        }

        return page;
    }

    private static string Sentence(EvaluationResult r)
    {
        var chance = r is { Metric: "top1", Classes.Count: > 1 }
            ? string.Create(CultureInfo.InvariantCulture, $"; chance is {100.0 / r.Classes.Count:f1} %") : string.Empty;
        var folds = r.Folds is { } all ? $", the mean of {all.Count} folds" : string.Empty;
        var value = string.Create(CultureInfo.InvariantCulture, $"{Metric(r)} is {r.Value:f2} %");
        return $"{value}{folds}{chance}. Data set {r.Dataset}, protocol {r.Protocol}, {r.Modality} features of the {r.Branch}.";
    }

    private static string Metric(EvaluationResult r) => r.Metric switch
    {
        "top1" => "Top-1 accuracy",
        "map" => "Mean average precision",
        var other => other,
    };

    private static IEnumerable<(string What, string Value)> Facts(EvaluationResult r)
    {
        yield return ("fold", r.Fold is int fold ? $"{fold}" : r.Folds is { } folds ? string.Join(", ", folds.Keys) : "none");
        yield return ("seed", $"{r.Seed}");
        yield return ("weights, start of SHA-256", r.WeightsSha256[..Math.Min(16, r.WeightsSha256.Length)]);
        if (r.Clips is { } clips)
        {
            yield return ("clips", string.Join(", ", clips.Select(c => $"{c.Key} {c.Value}")));
        }

        if (r.Top5 is double top5)
        {
            yield return ("top-5 accuracy, %", Number(top5));
        }

        foreach ((var name, var value) in r.Further ?? new Dictionary<string, double>())
        {
            yield return (name, value.ToString("g5", CultureInfo.InvariantCulture));
        }

        if (r.C is double c)
        {
            yield return ("C of the SVM", c.ToString("g5", CultureInfo.InvariantCulture));
        }

        if (r.Selection is { } selection)
        {
            yield return ("selection", selection);
        }
    }

    private static void AddSettings(HtmlReport page, EvaluationResult r)
    {
        if (r.Folds is { } folds)
        {
            page.Heading("Folds").Table(["fold", "%"], folds.Select(f => (string[])[f.Key, Number(f.Value)]));
        }

        if (r.HeldOut is { } heldOut)
        {
            page.Heading("How C was chosen").Table(["C", "% of held-out training clips"], heldOut.Select(h => (string[])[h.Key, Number(h.Value)]));
        }

        if (r.Epochs is { Count: > 1 } epochs)
        {
            page.Heading("Score in the course of training")
                .Chart(PageChart.Lines(Metric(r), "epoch", "percent")
                    .Line(r.Metric, [.. epochs.Keys.Select(e => double.Parse(e, CultureInfo.InvariantCulture))], [.. epochs.Values], 0));
        }
    }

    private static string[] Class(EvaluationResult r, string name, double value)
    {
        if (Row(r, name) is not int row)
        {
            return [name, string.Empty, Number(value), string.Empty];
        }

        var counts = r.Confusion![row];
        var wrong = Enumerable.Range(0, counts.Length).Where(c => c != row && counts[c] > 0).OrderByDescending(c => counts[c]).FirstOrDefault(-1);
        return [name, $"{counts.Sum()}", Number(value), wrong < 0 ? string.Empty : $"{r.Classes![wrong]} ({counts[wrong]})"];
    }

    private static void AddConfusions(HtmlReport page, EvaluationResult r, byte[]? picture)
    {
        if (r is not { Confusion: { } counts, Classes: { } classes })
        {
            return;
        }

        page.Heading("What is taken for what");
        if (classes.Count <= MostInMatrix)
        {
            page.Confusion(counts, classes);
            return;
        }

        var pairs = counts.SelectMany((row, t) => row.Select((count, p) => (True: t, Predicted: p, Count: count)))
            .Where(c => c.Count > 0 && c.True != c.Predicted).OrderByDescending(c => c.Count).Take(MostConfusions);
        page.Table(["true class", "predicted class", "clips"], pairs.Select(c => (string[])[classes[c.True], classes[c.Predicted], $"{c.Count}"]));
        if (picture is not null)
        {
            page.Picture(picture, "Rows are true classes, columns predicted ones; the shade is the share of the row.");
        }
    }

    private static int? Row(EvaluationResult r, string name)
    {
        for (var i = 0; r.Confusion is not null && i < r.Classes!.Count; i++)
        {
            if (r.Classes[i] == name)
            {
                return i;
            }
        }

        return null;
    }

    private static string Number(double value) => value.ToString("f2", CultureInfo.InvariantCulture);
}
