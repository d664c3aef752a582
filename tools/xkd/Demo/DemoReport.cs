using System.Globalization;
using Xkd.Ingest;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Demo;

/// <summary>The demonstration's page: did it learn, what did it see, where did the time go.</summary>
internal sealed class DemoReport(DemoOptions options, PretrainConfig config, IReadOnlyList<ProbeScore> scores, IReadOnlyDictionary<string, IngestResult> ingested, TrainResult trained)
{
    private const int ShownFrames = 8, Scale = 2;

    /// <summary>Writes the page and returns its path.</summary>
    public async Task<string> WriteAsync(
        string path, string realCache, string valCache, string runFolder, IReadOnlyList<(string Part, TimeSpan Took)> parts, Action<string> warn)
    {
        HtmlReport page = new("XKD demonstration");
        page.Paragraph($"Seed {options.Seed}, {trained.Steps} steps of batch {config.Batch}; {ingested["train"].Committed + ingested["train"].Skipped} training and " +
            $"{ingested["val"].Committed + ingested["val"].Skipped} validation clips of {DemoRun.Classes} classes; chance is {100.0 / DemoRun.Classes:f1} %.");

        page.Heading("Did it learn?");
        page.Paragraph($"Accuracy of a linear SVM on frozen features of the teachers, trained by self-supervision without a label, beside the same network before training. The SVM knows {options.LabelsPerClass} labels a class; the mean over several draws of them.");
        page.Table(["modality", "untrained %", "trained %", "gain, points"], scores.Select(s => new[]
        {
            s.Modality, Number(s.Untrained), Number(s.Trained), Number(s.Trained - s.Untrained),
        }));
        RunReport.AddCurves(page, [(Path.GetFileName(runFolder), MetricsLog.Read(Path.Combine(runFolder, "metrics.jsonl")))]);

        await AddReconstructionAsync(page, valCache, runFolder, warn).ConfigureAwait(false);
        AddClips(page, realCache, valCache);

        page.Heading("Where the time went");
        page.Table(["part", "seconds"], parts.Select(p => new[] { p.Part, Number(p.Took.TotalSeconds) }));
        foreach ((var name, var report) in new[] { ("ingest of the training clips", ingested["train"].Report), ("training feed", trained.Feed) })
        {
            (var columns, var rows) = GraphProfile.Table(report);
            page.Paragraph($"{char.ToUpperInvariant(name[0])}{name[1..]}: {report.Remedy}").Table(columns, rows);
        }

        page.Save(path);
        return path;
    }

    private static async Task AddReconstructionAsync(HtmlReport page, string valCache, string runFolder, Action<string> warn)
    {
        using var encoder = FrozenEncoder.OpenRun(runFolder, Devices.Parse("cpu"), warn);
        var cache = Cache.Open(valCache);
        var picture = await encoder.ReconstructAsync(cache, clip: 0, seed: 0, CancellationToken.None).ConfigureAwait(false);
        page.Heading("What was masked, reconstructed");
        page.Paragraph($"Clip {cache.Clips[0].Id}: above the clip, in the middle what the student sees of it, below the decoder's completion (patch means and deviations of the original, as the targets are normalised per patch).");
        var frameBytes = picture.Size * picture.Size * 3;
        List<IReadOnlyList<(byte[], string)>> rows = [];
        foreach ((var name, var rgb) in new[] { ("clip", picture.Original), ("visible", picture.Visible), ("reconstructed", picture.Reconstructed) })
        {
            rows.Add([.. Enumerable.Range(0, ShownFrames).Select(i => i * picture.Frames / ShownFrames).Select(f => (rgb[(f * frameBytes)..((f + 1) * frameBytes)], f == 0 ? name : string.Empty))]);
        }

        page.Picture(FramePictures.ContactSheet(rows, picture.Size, picture.Size, Scale), "Video: clip, visible cuboids, reconstruction");
        float low = picture.OriginalMel.Min(), high = picture.OriginalMel.Max();
        page.BeginGrid();
        foreach ((var name, var mel) in new[] { ("Spectrogram", picture.OriginalMel), ("Visible patches", picture.VisibleMel), ("Reconstruction", picture.ReconstructedMel) })
        {
            page.Picture(FramePictures.Spectrogram(mel, picture.Mels, picture.MelFrames, low, high, scale: 1), name);
        }

        page.EndGrid();
    }

    private static void AddClips(HtmlReport page, string realCache, string valCache)
    {
        page.Heading("What was ingested");
        foreach (var path in new[] { realCache, valCache })
        {
            var cache = Cache.Open(path);
            using ClipReader reader = new(cache);
            foreach (var clip in cache.Clips.Take(path == realCache ? cache.Clips.Count : 2))
            {
                page.Paragraph(string.Create(CultureInfo.InvariantCulture, $"{clip.Id}: {clip.Duration:f2} s, {clip.NumFrames} frames of {clip.Width}×{clip.Height}, {clip.MelFrames} spectrogram frames"));
                if (clip.NumFrames > 0)
                {
                    page.Picture(ClipPictures.ContactSheet(reader, clip, ShownFrames), $"Frames of {clip.Id}");
                }

                if (clip.MelFrames > 0)
                {
                    page.Picture(ClipPictures.Spectrogram(reader, clip, cache.Manifest.Fingerprint), $"Log-mel spectrogram of {clip.Id}");
                }
            }
        }
    }

    private static string Number(double value) => value.ToString("f1", CultureInfo.InvariantCulture);
}
