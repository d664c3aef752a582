using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>What the model will see of one cached clip: a contact sheet with times, the spectrogram, and the sound where the cache has it; and the same as arrays.</summary>
public static class ClipPictures
{
    private const int Columns = 8;

    /// <summary>
    /// Writes <c>frames.png</c>, <c>frames.npy</c> (uint8 [frames, height, width, 3]), <c>spectrogram.png</c>, <c>mel.npy</c> (float32 [mels, frames]) and <c>audio.wav</c> (16-bit mono, the
    /// stored samples) for clip <paramref name="id"/>, as far as it has them.
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
            written.Add(PictureFolder.Save(folder, "frames.npy", file => WriteFrames(reader, clip, file)));
        }
        else
        {
            missing.Add("no frames.png and no frames.npy: the clip has no video");
        }

        if (clip.MelFrames == 0 && clip.NumSamples == 0)
        {
            missing.Add("no spectrogram.png, no mel.npy and no audio.wav: the clip has no audio");
            return (written, missing);
        }

        var mels = cache.Manifest.Fingerprint.Mels;
        var mel = LogMel(reader, clip, cache.Manifest.Fingerprint);
        written.Add(PictureFolder.Save(folder, "spectrogram.png", Spectrogram(mel, clip, cache.Manifest.Fingerprint)));
        written.Add(PictureFolder.Save(folder, "mel.npy", NpyFile.Of(NpyFile.Float32, MemoryMarshal.AsBytes(mel.AsSpan()), mels, mel.Length / mels)));
        if (clip.NumSamples > 0)
        {
            var samples = new short[clip.NumSamples];
            reader.ReadPcm(clip, samples);
            written.Add(PictureFolder.Save(folder, "audio.wav", WavFile.Of(samples, clip.AudioRate)));
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

    /// <summary>The clip's whole log-mel with times and frequencies, of its samples where the cache has those; PNG.</summary>
    public static byte[] Spectrogram(ClipReader reader, ClipEntry clip, Fingerprint fingerprint) =>
        Spectrogram(LogMel(reader, clip, fingerprint), clip, fingerprint);

    private static byte[] Spectrogram(float[] mel, ClipEntry clip, Fingerprint fingerprint) =>
        FramePictures.Spectrogram(mel, fingerprint.Mels, mel.Length / fingerprint.Mels, axes: SpectrogramAxes.Of(fingerprint, clip.Start));

    // [mels, frames]
    private static float[] LogMel(ClipReader reader, ClipEntry clip, Fingerprint fingerprint)
    {
        if (clip.NumSamples == 0)
        {
            var half = new Half[fingerprint.Mels * clip.MelFrames];
            reader.ReadMel(clip, half);
            return Array.ConvertAll(half, h => (float)h);
        }

        SimdLogMel kernel = new(new LogMelOptions { SampleRate = fingerprint.SampleRate, NFft = fingerprint.NFft, Hop = fingerprint.Hop, Mels = fingerprint.Mels });
        var samples = new short[clip.NumSamples];
        reader.ReadPcm(clip, samples);
        var mel = new float[fingerprint.Mels * kernel.Frames(samples.Length)];
        kernel.Compute(Array.ConvertAll(samples, sample => sample / 32768f), mel);
        return mel;
    }

    // Frame by frame: decoded, a long clip may not fit into one array.
    private static void WriteFrames(ClipReader reader, ClipEntry clip, Stream file)
    {
        file.Write(NpyFile.Header(NpyFile.UInt8, clip.NumFrames, clip.Height, clip.Width, 3));
        var frame = new byte[clip.FrameBytes];
        for (var i = 0; i < clip.NumFrames; i++)
        {
            reader.ReadFrames(clip, i, 1, frame);
            file.Write(frame);
        }
    }
}
