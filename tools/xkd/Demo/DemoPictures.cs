using System.Globalization;
using Xkd.Model.Evaluation;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Demo;

/// <summary>The pictures of the demonstration's page.</summary>
internal static class DemoPictures
{
    private const int ShownFrames = 8, Scale = 3, Shown = 2;

    /// <summary>A clip, what its masks leave, and what the decoders make of that.</summary>
    public static async Task AddReconstructionAsync(HtmlReport page, string valCache, string runFolder, Action<string> warn)
    {
        using var encoder = FrozenEncoder.OpenRun(runFolder, Devices.Parse("cpu"), warn);
        var cache = Cache.Open(valCache);
        var picture = await encoder.ReconstructAsync(cache, clip: 0, seed: 0, CancellationToken.None).ConfigureAwait(false);
        page.Heading("What was masked, reconstructed");
        page.Paragraph($"The window of {cache.Clips[0].Id}: above the clip, in the middle what the student sees of it, below the decoder's completion (means and deviations of the patches are the original's, as the targets are normalised per patch).");
        var frameBytes = picture.Size * picture.Size * 3;
        List<IReadOnlyList<(byte[], string)>> rows = [];
        foreach ((var name, var rgb) in new[] { ("clip", picture.Original), ("visible", picture.Visible), ("reconstructed", picture.Reconstructed) })
        {
            rows.Add([.. Enumerable.Range(0, ShownFrames).Select(i => i * picture.Frames / ShownFrames)
                .Select(f => (rgb[(f * frameBytes)..((f + 1) * frameBytes)], f == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{f / encoder.Config.Data.Fps:0.0} s")))]);
        }

        page.Picture(FramePictures.ContactSheet(rows, picture.Size, picture.Size, Scale), "frames: clip, visible cuboids, reconstruction");
        float low = picture.OriginalMel.Min(), high = picture.OriginalMel.Max();
        var axes = SpectrogramAxes.Of(cache.Manifest.Fingerprint, 0);
        page.BeginGrid();
        foreach ((var name, var mel) in new[] { ("log-mel spectrogram of the window", picture.OriginalMel), ("visible patches", picture.VisibleMel), ("reconstruction", picture.ReconstructedMel) })
        {
            page.Picture(FramePictures.Spectrogram(mel, picture.Mels, picture.MelFrames, low, high, scale: 1, axes), name);
        }

        page.EndGrid();
    }

    /// <summary>The clips from outside, and some of the generated ones.</summary>
    public static void AddClips(HtmlReport page, string realCache, string valCache)
    {
        page.Heading("What was ingested");
        foreach (var path in new[] { realCache, valCache })
        {
            var cache = Cache.Open(path);
            using ClipReader reader = new(cache);
            foreach (var clip in cache.Clips.Take(path == realCache ? cache.Clips.Count : Shown))
            {
                page.Paragraph(string.Create(CultureInfo.InvariantCulture, $"{clip.Id}: {clip.Duration:f2} s, {clip.NumFrames} frames of {clip.Width}×{clip.Height}, {clip.MelFrames} spectrogram frames"));
                if (clip.NumFrames > 0)
                {
                    page.Picture(ClipPictures.ContactSheet(reader, clip, ShownFrames), $"frames of {clip.Id}");
                }

                if (clip.MelFrames > 0)
                {
                    page.Picture(ClipPictures.Spectrogram(reader, clip, cache.Manifest.Fingerprint), $"log-mel spectrogram of {clip.Id}");
                }
            }
        }
    }

    /// <summary>The middle frame of each clip with its class, side by side; PNG.</summary>
    public static byte[] Row(Cache cache, ClipReader reader, IReadOnlyList<string> ids)
    {
        List<(byte[], string)> frames = [];
        ClipEntry[] clips = [.. ids.Select(id => ClipPictures.Find(cache, id))];
        foreach (var clip in clips)
        {
            var rgb = new byte[clip.FrameBytes];
            reader.ReadFrames(clip, clip.NumFrames / 2, 1, rgb);
            frames.Add((rgb, clip.Label ?? string.Empty));
        }

        return FramePictures.ContactSheet([frames], clips[0].Width, clips[0].Height);
    }
}
