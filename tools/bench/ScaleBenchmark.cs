using System.Diagnostics;
using System.Globalization;
using Xkd.Storage;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// A cache of the size of AudioSet, with its payload left out: clips in shards of 71, a commit a shard, by sixteen parts one after the other. What a commit costs while it grows, what of its metadata
/// was ever written, and what opening, listing and filtering cost at the end.
/// </summary>
internal static class ScaleBenchmark
{
    private const int Parts = 16, RowsPerShard = 71;

    private static readonly string[] Conditions = ["label=class 7*", "duration>=9.99", "split=train"], Folders = ["manifest", "index", "ledger"];

    /// <param name="shards">Shards in all; 28,000 hold two million clips.</param>
    /// <param name="folder">Made for the cache, and removed.</param>
    /// <param name="output">Takes the lines.</param>
    public static async Task<int> RunAsync(int shards, string folder, TextWriter output)
    {
        var cache = Path.Combine(folder, "scale");
        try
        {
            await WriteAsync(cache, shards, output);
            using var reader = Process.Start(Environment.ProcessPath!, ["scale-read", cache]); // in a process of its own, so that its memory is seen
            await reader.WaitForExitAsync();
            return reader.ExitCode;
        }
        finally
        {
            if (Directory.Exists(cache))
            {
                Directory.Delete(cache, recursive: true);
            }
        }
    }

    /// <summary>What opening and filtering cost; in a process of its own memory shows, too.</summary>
    public static int Read(string path, TextWriter output)
    {
        var (opened, cache) = Timed(() => Cache.Open(path));
        var rss = Environment.WorkingSet >> 20;
        var (filtered, selected) = Timed(() => cache.Query(ClipFilter.Parse(Conditions), "label", "split", "duration"));
        var queried = Environment.WorkingSet >> 20;
        var (listed, clips) = Timed(() => cache.Clips);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"open {opened:f2} s, {rss} MB resident; listing three conditions {filtered:f2} s, {queried} MB, {selected.Count} of {clips.Count} clips; all columns of all clips, as training opens them, {listed:f2} s, {Environment.WorkingSet >> 20} MB"));
        return 0;
    }

    /// <summary>A clip without payload, and its item settled.</summary>
    public static async Task AddAsync(CacheWriter writer, int number)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"train/class {number % 400}/{(uint)number * 2654435761u:x8}abc_{number % 300:d6}_{(number % 300) + 10:d6}.mp4");
        await writer.AppendAsync(
            new ClipRecord
            {
                Id = id, SourceItem = id, Source = "/data/kinetics400/" + id, Label = $"class {number % 400}", Split = number % 20 == 0 ? "val" : "train", Duration = 10 - (number % 7 * 0.01), Fps = 8,
                MelFrames = 1, Mel = BitConverter.GetBytes((short)(0x3C00 + (number % 256))), AudioRate = 16000, MelSum = 1, MelSumSquares = 1,
            },
            CancellationToken.None);
        await writer.SettleAsync(new LedgerEntry { Id = id, Source = "/data/kinetics400/" + id, State = ItemState.Committed, Bytes = 1_000_000 + number, Mtime = 1_700_000_000.5 }, CancellationToken.None);
    }

    private static async Task WriteAsync(string cache, int shards, TextWriter output)
    {
        Fingerprint fingerprint = new() { Mels = 1, Decoder = "synthetic" };
        List<double> commits = [];
        for (var part = 0; part < Parts; part++)
        {
            var began = Stopwatch.GetTimestamp();
            await using var writer = await CacheWriter.OpenAsync(cache, fingerprint, new CacheWriterOptions { Part = $"{part}-of-{Parts}", RowGroupRows = RowsPerShard }, TimeProvider.System, CancellationToken.None);
            var opened = Stopwatch.GetElapsedTime(began).TotalSeconds;
            for (var shard = part; shard < shards; shard += Parts)
            {
                for (var row = 0; row < RowsPerShard; row++)
                {
                    await AddAsync(writer, (shard * RowsPerShard) + row);
                }

                began = Stopwatch.GetTimestamp();
                await writer.CommitAsync(CancellationToken.None);
                commits.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"part {part + 1}: writer opened in {opened:f1} s; its commits {Median(commits[^Math.Min(commits.Count, 1000)..]):f1} ms, {commits[^Math.Min(commits.Count, 1000)..].Max():f0} at most"));
        }

        var began2 = Stopwatch.GetTimestamp();
        await CacheMerger.MergeAsync(cache, TimeProvider.System, CancellationToken.None);
        var merged = Stopwatch.GetElapsedTime(began2).TotalSeconds;
        var fifth = Math.Max(1, commits.Count / 5);
        var manifest = Cache.Open(cache).Manifest;
        long Size(string path) => new FileInfo(Path.Combine(cache, path)).Length;
        var written = Folders.Sum(f => Directory.EnumerateFiles(Path.Combine(cache, f)).Sum(p => new FileInfo(p).Length)) + Size("ledger.jsonl");
        var final = manifest.Segments.SelectMany(s => new[] { s.Index, s.Ledger }).Sum(f => f?.Bytes ?? 0) + Size($"manifest/{manifest.Version:d6}.json") + Size("ledger.jsonl");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{manifest.Clips} clips, {manifest.Shards.Count} shards, {commits.Count} commits, {manifest.Segments.Count} segments: the first fifth of the commits {Median(commits[..fifth]):f1} ms, the last {Median(commits[^fifth..]):f1} ms; "
            + $"metadata written {written / 1e6:f0} MB, {(double)written / final:f2} times the {final / 1e6:f0} MB there are at the end; ledger.jsonl merged in {merged:f1} s"));
    }

    private static (double Seconds, T Value) Timed<T>(Func<T> work)
    {
        var began = Stopwatch.GetTimestamp();
        var value = work();
        return (Stopwatch.GetElapsedTime(began).TotalSeconds, value);
    }
}
