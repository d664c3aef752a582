using System.Globalization;
using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Demo;

/// <summary>The demonstration's page: what distillation added, what finds what, what was seen, where the time went.</summary>
internal sealed class DemoReport(
    DemoOptions options, PretrainConfig config, IReadOnlyList<ProbeScore> scores, CrossModalSearch found, IReadOnlyDictionary<string, IngestResult> ingested, TrainResult trained)
{
    private const int Depth = 10;

    /// <summary>Writes the page, and beside it the XKD run's verdict.</summary>
    /// <param name="path">The page.</param>
    /// <param name="realCache">The clips from outside.</param>
    /// <param name="valCache">The generated validation clips.</param>
    /// <param name="valMedia">Their files: the root of their ids.</param>
    /// <param name="runs">Both runs, XKD last.</param>
    /// <param name="parts">What was done so far, and how long it took.</param>
    /// <param name="warn">Told what is wrong with a checkpoint.</param>
    public async Task<string> WriteAsync(
        string path, string realCache, string valCache, string valMedia, IReadOnlyList<(string Name, string Folder)> runs, IReadOnlyList<(string Part, TimeSpan Took)> parts, Action<string> warn)
    {
        var metrics = runs.Select(run => (run.Name, Steps: MetricsLog.Read(Path.Combine(run.Folder, "metrics.jsonl")))).ToList();
        var verdict = RunHealth.Of(config, metrics[^1].Steps);
        verdict.Write(new RunFolder(Path.GetDirectoryName(Path.GetFullPath(path))!).Verdict);

        HtmlReport page = new("XKD demonstration");
        page.Verdict(Gain(), options.Short ? VerdictLevel.Plain : Added > 0 ? VerdictLevel.Good : VerdictLevel.Bad);
        verdict.AddTo(page, runs[^1].Name);
        page.Paragraph($"One network was trained twice from the same values on the same {ingested["train"].Committed + ingested["train"].Skipped} clips for {trained.Steps} steps of {config.Batch}: by masked "
            + "reconstruction alone, and by all of XKD. No training saw a label. Picture and sound of a clip share only the class, so what XKD knows more it knows from the other modality.");

        page.Heading("What distillation added");
        page.Paragraph($"Accuracy of a linear SVM on the teachers' frozen features, on {found.Clips} validation clips of {DemoRun.Classes} classes; chance is {Number(100.0 / DemoRun.Classes)} %. "
            + "The SVM learns from the labels of the training clips.");
        page.Table(["probe of", "untrained, %", "reconstruction, %", "XKD, %", "XKD beside reconstruction, points"], scores.Select(s => new[]
        {
            s.Modality, Number(s.Untrained), Number(s.Reconstruction), Number(s.Xkd), Signed(s.Xkd - s.Reconstruction),
        }));

        AddSearch(page, Cache.Open(valCache), valMedia);
        RunReport.AddCurves(page, metrics, comparable: false);
        await DemoPictures.AddReconstructionAsync(page, valCache, runs[^1].Folder, warn).ConfigureAwait(false);
        DemoPictures.AddClips(page, realCache, valCache);
        AddTimes(page, parts);
        page.Save(path);
        return path;
    }

    private double Added => scores[0].Xkd - scores[0].Reconstruction;

    private string Gain() => options.Short
        ? "A short run shows that every part works. Its numbers mean nothing: the network saw a few clips for a few steps."
        : $"Distillation {(Added > 0 ? "added" : "took")} {Number(Math.Abs(Added))} points {(Added > 0 ? "to" : "from")} the {scores[0].Modality} probe: {Number(scores[0].Untrained)} % untrained, "
            + $"{Number(scores[0].Reconstruction)} % by reconstruction alone, {Number(scores[0].Xkd)} % by XKD.";

    private void AddSearch(HtmlReport page, Cache cache, string media)
    {
        page.Heading("Does a sound find its picture?");
        page.Paragraph($"Each of the {found.Clips} validation clips looks for its own other half, by what student and teacher say of it. The halves share only the class, "
            + $"so that who knows the class for sure still finds the right one of {options.ValidationPerClass} clips among {Depth} in {Number(100.0 * Math.Min(Depth, options.ValidationPerClass) / options.ValidationPerClass)} % of searches.");
        page.Table([$"search", $"found among the first {Depth}, %", "chance, %", "median rank"], new[] { ("sound → picture", found.SoundToPicture), ("picture → sound", found.PictureToSound) }
            .Select(way => new[] { way.Item1, Number(way.Item2.Recall[Depth]), Number(way.Item2.Chance[Depth]), Number(way.Item2.MedianRank) }));
        using ClipReader reader = new(cache);
        foreach (var (query, answers) in found.Examples)
        {
            page.Paragraph($"The sound of {query}, and the pictures that it finds first:");
            page.Audio(File.ReadAllBytes(Path.Combine(media, query)), "audio/mp4", $"sound of {query}");
            page.Picture(DemoPictures.Row(cache, reader, answers), string.Join(", ", answers));
        }
    }

    private void AddTimes(HtmlReport page, IReadOnlyList<(string Part, TimeSpan Took)> parts)
    {
        page.Heading("Where the time went");
        page.Table(["part", "seconds"], parts.Select(p => new[] { p.Part, Number(p.Took.TotalSeconds) }));
        foreach ((var name, var report) in new[] { ("Ingest of the training clips", ingested["train"].Report), ("Feed of the XKD training", trained.Feed) })
        {
            (var columns, var rows) = GraphProfile.Table(report);
            page.Paragraph($"{name}: {report.Remedy}").Table(columns, rows);
        }
    }

    private static string Number(double value) => value.ToString("f1", CultureInfo.InvariantCulture);

    private static string Signed(double value) => value.ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);
}
