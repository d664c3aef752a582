using System.Globalization;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>What the model will see of one cached clip: a contact sheet with times, the spectrogram, and the sound where the cache has it.</summary>
public static class ClipPictures
{
    private const int Columns = 8;

    /// <summary>
    /// Writes <c>frames.png</c>, <c>spectrogram.png</c> and <c>audio.wav</c> (16-bit mono, the stored samples) for clip <paramref name="id"/>, as far as it has them.
    /// </summary>
    /// <returns>The files' paths, and in words what is not there and why.</returns>
    /// <exception cref="UsageException">The cache has no clip of that id, or the folder cannot be written.</exception>
    /// <exception cref="FailureException">The disk failed, or is full.</exception>
    public static (IReadOnlyList<string> Files, IReadOnlyList<string> Missing) Write(string cachePath, string id, string folder)
    {
        var cache = Cache.Open(cachePath);
        var clip = Find(cache, id);
        PictureFolder.Make(folder);
        using ClipReader reader = new(cache);
        List<string> written = [], missing = [];
        if (clip.NumFrames > 0)
        {
            written.Add(PictureFolder.Save(folder, "frames.png", ContactSheet(reader, clip, clip.NumFrames)));
        }
        else
        {
            missing.Add("no frames.png: the clip has no video");
        }

        if (clip.MelFrames == 0 && clip.NumSamples == 0)
        {
            missing.Add("no spectrogram.png and no audio.wav: the clip has no audio");
            return (written, missing);
        }

        written.Add(PictureFolder.Save(folder, "spectrogram.png", Spectrogram(reader, clip, cache.Manifest.Fingerprint)));
        if (clip.NumSamples > 0)
        {
            var samples = new short[clip.NumSamples];
            reader.ReadPcm(clip, samples);
            written.Add(PictureFolder.Save(folder, "audio.wav", WaveFile.Of(samples, clip.AudioRate)));
        }
        else
        {
            missing.Add("no audio.wav: the cache holds log-mel, which is not sound; a cache of --audio pcm has the samples");
        }

        return (written, missing);
    }

    /// <summary>The clip of that id.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static ClipEntry Find(Cache cache, string id)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return cache.Clips.FirstOrDefault(c => c.Id == id)
            ?? throw new UsageException($"{cache.Path} has no clip '{id}'; the first of its {cache.Clips.Count} is '{(cache.Clips.Count > 0 ? cache.Clips[0].Id : "none")}'");
    }

    /// <summary>At most <paramref name="count"/> frames of <paramref name="clip"/>, evenly spaced, each with its time in seconds; PNG.</summary>
    public static byte[] ContactSheet(ClipReader reader, ClipEntry clip, int count)
    {
        int frameBytes = clip.Width * clip.Height * 3, shown = Math.Min(count, clip.NumFrames);
        List<IReadOnlyList<(byte[], string)>> rows = [];
        foreach (var row in Enumerable.Range(0, shown).Select(i => (int)((long)i * clip.NumFrames / shown)).Chunk(Columns))
        {
            rows.Add([.. row.Select(f =>
            {
                var rgb = new byte[frameBytes];
                reader.ReadFrames(clip, f, 1, rgb);
                return (rgb, (clip.Start + (f / clip.Fps)).ToString("0.00 s", CultureInfo.InvariantCulture));
            })]);
        }

        return FramePictures.ContactSheet(rows, clip.Width, clip.Height);
    }

    /// <summary>The clip's whole log-mel, of its samples where the cache has those; PNG.</summary>
    public static byte[] Spectrogram(ClipReader reader, ClipEntry clip, Fingerprint fingerprint)
    {
        if (clip.NumSamples == 0)
        {
            var half = new Half[fingerprint.Mels * clip.MelFrames];
            reader.ReadMel(clip, half);
            return FramePictures.Spectrogram(Array.ConvertAll(half, h => (float)h), fingerprint.Mels, clip.MelFrames);
        }

        SimdLogMel kernel = new(new LogMelOptions { SampleRate = fingerprint.SampleRate, NFft = fingerprint.NFft, Hop = fingerprint.Hop, Mels = fingerprint.Mels });
        var samples = new short[clip.NumSamples];
        reader.ReadPcm(clip, samples);
        var mel = new float[fingerprint.Mels * kernel.Frames(samples.Length)];
        kernel.Compute(Array.ConvertAll(samples, sample => sample / 32768f), mel);
        return FramePictures.Spectrogram(mel, fingerprint.Mels, kernel.Frames(samples.Length));
    }
}
