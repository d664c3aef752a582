using System.Diagnostics;
using Xkd.Storage;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// Windows drawn anywhere from a cache in an object store, as training draws them: by ranges alone, one read at a time and many, and from the
/// local copies that are fetched behind the reads. The sides take turns on the same windows.
/// </summary>
internal static class ObjectReadBenchmark
{
    private const int Frames = 32;

    /// <param name="path">An s3:// cache of raw frames, reached by the environment's settings.</param>
    /// <param name="windows">Windows a turn.</param>
    /// <param name="threads">Reads under way at once.</param>
    /// <param name="rounds">Turns, the first not counted.</param>
    /// <param name="output">Takes the lines.</param>
    public static async Task<int> RunAsync(string path, int windows, int threads, int rounds, TextWriter output)
    {
        var options = ObjectStoreOptions.FromEnvironment();
        Cache afar = Cache.Open(path, objects: options with { CacheBytes = 0 }), near = Cache.Open(path, objects: options with { ReadsBeforeFetching = 1 });
        ClipEntry[] clips = [.. afar.Clips.Where(c => c.NumFrames >= Frames)];
        if (clips.Length == 0)
        {
            throw new UsageException($"{path} has no clip of {Frames} frames");
        }

        long window = (long)Frames * clips[0].FrameBytes, shards = afar.Manifest.Shards.Sum(s => s.Bytes);
        output.WriteLine($"{clips.Length} clips, {afar.Manifest.Shards.Count} shards of {shards / 1e6 / afar.Manifest.Shards.Count:f1} MB, windows of {window / 1e6:f2} MB; "
            + $"a shard fetched for each window would be {shards / afar.Manifest.Shards.Count / window} times what is asked for");
        using ClipReader byRanges = new(afar), fromCopies = new(near);
        var fetched = await FetchAsync(fromCopies, near, Path.Combine(options.Folder, "shards"));
        output.WriteLine($"all shards fetched in {fetched:f1} s, {shards / fetched / 1e6:f0} MB/s");
        List<(double Parallel, double Copies)> ratios = [];
        for (var round = 0; round <= rounds; round++)
        {
            var single = Rate(byRanges, clips, Math.Max(1, windows / 10), 1, round);
            double ranges = Rate(byRanges, clips, windows, threads, round), copies = Rate(fromCopies, clips, windows, threads, round);
            if (round > 0)
            {
                ratios.Add((ranges / single, copies / ranges));
                output.WriteLine($"{round}: {single:f1} windows/s by ranges one at a time, {ranges:f0} {threads} at a time "
                    + $"({ranges * window / 1e6:f0} MB/s, {ranges / single:f1} times), {copies:f0} from copies ({copies / ranges:f1} times)");
            }
        }

        output.WriteLine(
            $"{threads} reads at a time to one, median {Median(ratios.Select(r => r.Parallel)):f1}; copies to ranges {Median(ratios.Select(r => r.Copies)):f1}");
        return 0;
    }

    private static double Rate(ClipReader reader, ClipEntry[] clips, int windows, int threads, int seed)
    {
        Random random = new(seed);
        (ClipEntry Clip, int First)[] drawn = [.. Enumerable.Range(0, windows).Select(_ => clips[random.Next(clips.Length)]).Select(c => (c, random.Next(c.NumFrames - Frames + 1)))];
        var watch = Stopwatch.StartNew();
        Parallel.ForEach(drawn, new ParallelOptions { MaxDegreeOfParallelism = threads }, () => Array.Empty<byte>(), (w, _, buffer) =>
        {
            buffer = buffer.Length >= Frames * w.Clip.FrameBytes ? buffer : new byte[Frames * w.Clip.FrameBytes];
            reader.ReadFrames(w.Clip, w.First, Frames, buffer);
            return buffer;
        }, _ => { });
        return windows / watch.Elapsed.TotalSeconds;
    }

    private static async Task<double> FetchAsync(ClipReader reader, Cache cache, string folder)
    {
        using SemaphoreSlim changed = new(0);
        Directory.CreateDirectory(folder);
        using FileSystemWatcher watcher = new(folder, "*.parquet");
        watcher.Renamed += (_, _) => changed.Release(); // a copy has its name once it is whole
        watcher.Created += (_, _) => changed.Release(); // what a rename from an unwatched name is told as
        watcher.EnableRaisingEvents = true;
        var watch = Stopwatch.StartNew();
        var clip = cache.Clips[0];
        reader.ReadFrames(clip, 0, 1, new byte[clip.FrameBytes]);
        while (cache.Manifest.Shards.Any(s => !File.Exists(Path.Combine(folder, s.Sha256 + ".parquet"))))
        {
            await changed.WaitAsync().ConfigureAwait(false);
        }

        return watch.Elapsed.TotalSeconds;
    }
}
