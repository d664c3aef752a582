using System.Diagnostics;
using System.Globalization;
using Xkd.Storage;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// Many writers that commit to one cache as fast as they can, shards of 71 clips without payload: commits a second, how long each waits, and what following the
/// commits of others costs. Real commits, for the simulation to be compared with.
/// </summary>
internal static class CommitContention
{
    private const int RowsPerShard = 71, Followed = 400;

    /// <param name="writers">Writers at once.</param>
    /// <param name="commits">Of each.</param>
    /// <param name="folder">Made for the cache, and removed.</param>
    /// <param name="output">Takes the lines.</param>
    public static async Task<int> RunAsync(int writers, int commits, string folder, TextWriter output)
    {
        var cache = Path.Combine(folder, "commits");
        try
        {
            Writer[] open = [.. await Task.WhenAll(Enumerable.Range(0, writers).Select(part => Writer.OpenAsync(cache, part, writers)))];
            await open[0].CommitAsync(); // the first commit makes the cache, and compiles
            ThreadPool.SetMinThreads(writers + 2, writers + 2);
            var began = Stopwatch.GetTimestamp();
            await Task.WhenAll(open.Select(writer => Task.Factory.StartNew(() => writer.CommitAsync(commits), TaskCreationOptions.LongRunning).Unwrap()));
            var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            var manifest = Cache.Open(cache).Manifest;
            var bytes = Directory.EnumerateFiles(Path.Combine(cache, "manifest")).Sum(file => new FileInfo(file).Length);
            var times = open.SelectMany(writer => writer.Milliseconds).ToArray();
            Say($"{writers} writers: {times.Length} commits in {seconds:f2} s, {times.Length / seconds:f0} a second");
            Say($"each {Median(times):f2} ms (median), {times.Average():f2} (mean), {times.Max():f0} (most)");
            Say($"{manifest.Version} versions, {manifest.Segments.Count} segments, {bytes / 1e6:f1} MB of manifests");
            await FollowAsync(open, Say);
            foreach (var writer in open)
            {
                await writer.DisposeAsync();
            }

            began = Stopwatch.GetTimestamp();
            await CacheMerger.MergeAsync(cache, TimeProvider.System, CancellationToken.None);
            var merged = Stopwatch.GetElapsedTime(began).TotalSeconds;
            Say($"merge at the end {merged:f2} s, {merged / Cache.Open(cache).Manifest.Clips * 1e6:f1} µs a clip");
            return 0;
        }
        finally
        {
            if (Directory.Exists(cache))
            {
                Directory.Delete(cache, recursive: true);
            }
        }

        void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    }

    // The last writer has slept meanwhile.
    private static async Task FollowAsync(Writer[] open, Action<FormattableString> say)
    {
        if (open.Length < 2)
        {
            return;
        }

        await open[^1].CommitAsync();
        await open[^1].CommitAsync();
        var alone = open[^1].Milliseconds[^1];
        await open[0].CommitAsync(Followed);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await open[^1].CommitAsync();
        var after = GC.GetTotalMemory(forceFullCollection: true);
        var last = open[^1].Milliseconds[^1];
        say($"a commit after {Followed} of another: {last:f0} ms beside {alone:f1}, {(last - alone) / Followed:f3} ms for each of them");
        say($"{(after - before) / (double)(Followed * RowsPerShard):f0} bytes of memory for each ledger line of another");
    }

    private sealed class Writer(CacheWriter writer, int part) : IAsyncDisposable
    {
        private int _row;

        public List<double> Milliseconds { get; } = [];

        public static async Task<Writer> OpenAsync(string cache, int part, int parts)
        {
            CacheWriterOptions options = new() { Part = $"{part}-of-{parts}", RowGroupRows = RowsPerShard };
            Fingerprint fingerprint = new() { Mels = 1, Decoder = "synthetic" };
            return new(await CacheWriter.OpenAsync(cache, fingerprint, options, TimeProvider.System, CancellationToken.None), part);
        }

        public async Task CommitAsync(int times = 1)
        {
            for (var i = 0; i < times; i++)
            {
                for (var row = 0; row < RowsPerShard; row++)
                {
                    await ScaleBenchmark.AddAsync(writer, (part * 1_000_000) + _row++);
                }

                var began = Stopwatch.GetTimestamp();
                await writer.CommitAsync(CancellationToken.None);
                Milliseconds.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        }

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
