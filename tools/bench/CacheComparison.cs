using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Xkd.Storage;

namespace Xkd.Bench;

/// <summary>Whether two caches hold the same clips, however they are spread over shards: ids, descriptions, and a hash of all payload.</summary>
internal static class CacheComparison
{
    private const int Shown = 10;

    /// <summary>0 when they do, 1 when they do not.</summary>
    public static int Run(string first, string second, TextWriter output)
    {
        Dictionary<string, string> one = Contents(first), two = Contents(second);
        string[] different = [.. one.Keys.Union(two.Keys).Where(id => one.GetValueOrDefault(id) != two.GetValueOrDefault(id)).Order(StringComparer.Ordinal)];
        foreach (var id in different.Take(Shown))
        {
            output.WriteLine($"{id}: {one.GetValueOrDefault(id) ?? "absent"} in {first}, {two.GetValueOrDefault(id) ?? "absent"} in {second}");
        }

        output.WriteLine($"{one.Count} clips in {first}, {two.Count} in {second}, {different.Length} different");
        return different.Length == 0 ? 0 : 1;
    }

    private static Dictionary<string, string> Contents(string path)
    {
        var cache = Cache.Open(path);
        using ClipReader reader = new(cache);
        var mels = cache.Manifest.Fingerprint.Mels;
        return cache.Clips.AsParallel().ToDictionary(c => c.Id, c => Hash(reader, c, mels), StringComparer.Ordinal);
    }

    private static string Hash(ClipReader reader, ClipEntry clip, int mels)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var said = string.Join('|', clip.Source, clip.Label, string.Join(',', clip.Labels), clip.Split, string.Join(',', clip.Folds), clip.Start, clip.Duration, clip.Width, clip.Height, clip.AudioRate);
        hash.AppendData(MemoryMarshal.AsBytes(said.AsSpan()));
        var frames = new byte[clip.NumFrames * clip.FrameBytes];
        reader.ReadFrames(clip, 0, clip.NumFrames, frames);
        hash.AppendData(frames);
        var mel = new Half[mels * clip.MelFrames];
        reader.ReadMel(clip, mel);
        hash.AppendData(MemoryMarshal.AsBytes(mel.AsSpan()));
        var samples = new short[clip.NumSamples];
        reader.ReadPcm(clip, samples);
        hash.AppendData(MemoryMarshal.AsBytes(samples.AsSpan()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
