using System.Globalization;
using Xkd.Ingest;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Demo;

/// <summary>The demonstration's page: did it learn, what did it see, where did the time go.</summary>
internal sealed class DemoReport(DemoOptions options, PretrainConfig config, IReadOnlyList<ProbeScore> scores, CrossModalSearch found, IReadOnlyDictionary<string, IngestResult> ingested, TrainResult trained)
{
    private const int ShownFrames = 8, Scale = 2;

    /// <summary>Writes the page and returns its path.</summary>
    public async Task<string> WriteAsync(
        string path, string realCache, string valCache, string valMedia, IReadOnlyList<(string Name, string Folder)> runs, IReadOnlyList<(string Part, TimeSpan Took)> parts, Action<string> warn)
    {
        HtmlReport page = new("XKD demonstration");
        page.Paragraph($"Seed {options.Seed}, {trained.Steps} steps of batch {config.Batch}; {ingested["train"].Committed + ingested["train"].Skipped} training and " +
            $"{ingested["val"].Committed + ingested["val"].Skipped} validation clips of {DemoRun.Classes} classes; chance is {100.0 / DemoRun.Classes:f1} %.");

        page.Heading("Did it learn?");
        page.Paragraph($"Accuracy of a linear SVM on frozen features of the teachers, trained by self-supervision without a label, beside the same network before training. The SVM knows {options.LabelsPerClass} labels a class; the mean over several draws of them.");
        page.Table(["modality", "untrained %", "reconstruction %", "XKD %", "what distillation added, points"], scores.Select(s => new[]
        {
            s.Modality, Number(s.Untrained), Number(s.Reconstruction), Number(s.Xkd), Number(s.Xkd - s.Reconstruction),
        }));
        AddSearch(page, valCache);
        RunReport.AddCurves(page, [.. runs.Select(run => (run.Name, MetricsLog.Read(Path.Combine(run.Folder, "metrics.jsonl"))))]);

        await AddReconstructionAsync(page, valCache, runs[^1].Folder, warn).ConfigureAwait(false);
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

    private void AddSearch(HtmlReport page, string valCache)
    {
        page.Heading("Does a sound find its picture?");
        page.Paragraph($"Each of the {found.Clips} validation clips looks for its own other half. Picture and sound of a clip share only the class, so that even who knows the class must guess among its clips.");
        page.Table(["search", "found among the first 10, %", "chance, %", "median rank"], new[] { ("sound → picture", found.SoundToPicture), ("picture → sound", found.PictureToSound) }
            .Select(way => new[] { way.Item1, Number(way.Item2.Recall[10]), Number(found.Chance(10)), Number(way.Item2.MedianRank) }));
        var cache = Cache.Open(valCache);
        using ClipReader reader = new(cache);
        foreach (var (query, answers) in found.Examples)
        {
            page.Picture(ClipPictures.Spectrogram(reader, ClipPictures.Find(cache, query), cache.Manifest.Fingerprint), $"The sound of {query}, and what it finds first:");
            page.Picture(FirstFrames(cache, reader, answers), string.Join(", ", answers));
        }
    }

    private static byte[] FirstFrames(Cache cache, ClipReader reader, IReadOnlyList<string> ids)
    {
        List<(byte[], string)> frames = [];
        var first = ClipPictures.Find(cache, ids[0]);
        foreach (var clip in ids.Select(id => ClipPictures.Find(cache, id)))
        {
            var rgb = new byte[clip.FrameBytes];
            reader.ReadFrames(clip, 0, 1, rgb);
            frames.Add((rgb, clip.Label ?? string.Empty));
        }

        return FramePictures.ContactSheet([frames], first.Width, first.Height);
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
