using System.Globalization;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>What the model will see of one cached clip: a contact sheet with times and the spectrogram.</summary>
public static class ClipPictures
{
    private const int Columns = 8;

    /// <summary>Writes <c>frames.png</c> and <c>spectrogram.png</c> for clip <paramref name="id"/> and returns their paths.</summary>
    /// <exception cref="UsageException">The cache has no clip of that id.</exception>
    public static IReadOnlyList<string> Write(string cachePath, string id, string folder)
    {
        Cache cache = Cache.Open(cachePath);
        ClipEntry clip = cache.Clips.FirstOrDefault(c => c.Id == id)
            ?? throw new UsageException($"{cachePath} has no clip '{id}'; the first of its {cache.Clips.Count} is '{(cache.Clips.Count > 0 ? cache.Clips[0].Id : "none")}'");
        Directory.CreateDirectory(folder);
        using ClipReader reader = new(cache);
        List<string> written = [];
        if (clip.NumFrames > 0)
        {
            written.Add(Save(Path.Combine(folder, "frames.png"), ContactSheet(reader, clip, clip.NumFrames)));
        }

        if (clip.MelFrames > 0)
        {
            written.Add(Save(Path.Combine(folder, "spectrogram.png"), Spectrogram(reader, clip, cache.Manifest.Fingerprint.Mels)));
        }

        return written;
    }

    /// <summary>At most <paramref name="count"/> frames of <paramref name="clip"/>, evenly spaced, each with its time in seconds; PNG.</summary>
    public static byte[] ContactSheet(ClipReader reader, ClipEntry clip, int count)
    {
        int frameBytes = clip.Width * clip.Height * 3, shown = Math.Min(count, clip.NumFrames);
        List<IReadOnlyList<(byte[], string)>> rows = [];
        foreach (int[] row in Enumerable.Range(0, shown).Select(i => (int)((long)i * clip.NumFrames / shown)).Chunk(Columns))
        {
            rows.Add([.. row.Select(f =>
            {
                byte[] rgb = new byte[frameBytes];
                reader.ReadFrames(clip, f, 1, rgb);
                return (rgb, (clip.Start + (f / clip.Fps)).ToString("0.00 s", CultureInfo.InvariantCulture));
            })]);
        }

        return FramePictures.ContactSheet(rows, clip.Width, clip.Height);
    }

    /// <summary>The clip's whole log-mel; PNG.</summary>
    public static byte[] Spectrogram(ClipReader reader, ClipEntry clip, int mels)
    {
        Half[] half = new Half[mels * clip.MelFrames];
        reader.ReadMel(clip, half);
        return FramePictures.Spectrogram(Array.ConvertAll(half, h => (float)h), mels, clip.MelFrames);
    }

    private static string Save(string path, byte[] png)
    {
        File.WriteAllBytes(path, png);
        return path;
    }
}
