using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Bench;

/// <summary>
/// What the block order costs in shuffling and wins in reading. Shuffling: a made-up data set whose shards hold one class after the other, as
/// folders are ingested, in batches of 256. Reading: an epoch of windows out of a raw cache that was dropped from the page cache first, orders in turns.
/// </summary>
internal static partial class OrderBenchmark
{
    private const int Clips = 240_000, Classes = 400, Batch = 256, Batches = 200, Neighbours = 16;
    private const int DontNeed = 4; // POSIX_FADV_DONTNEED

    /// <param name="clips">Clips of the cache that is read, 4 MB each.</param>
    /// <param name="rounds">Turns of each order.</param>
    /// <param name="output">Receives the lines.</param>
    public static async Task<int> RunAsync(int clips, int rounds, TextWriter output)
    {
        int[] inShards = [.. Enumerable.Range(0, Clips)];
        await ShuffleAsync("uniform", new GlobalOrder(Clips, 1), output).ConfigureAwait(false);
        foreach ((var block, var window) in new[] { (16, 1024), (16, 128), (64, 32), (16, 16), (256, 1) })
        {
            await ShuffleAsync($"blocks of {block}, windows of {window}", new BlockOrder(inShards, 1, block, window), output).ConfigureAwait(false);
        }

        var folder = Directory.CreateTempSubdirectory("xkd-order-").FullName;
        try
        {
            var cache = Path.Combine(folder, "cache");
            await ReadBenchmark.WriteAsync(cache, FrameCodecs.Raw, Path.Combine(folder, "peer"), clips).ConfigureAwait(false);
            Directory.Delete(Path.Combine(folder, "peer"), recursive: true);
            FeedOptions[] orders = [new(), new() { Order = ClipOrderKind.Block, OrderBlock = 16, OrderWindow = 4 }];
            double[][] rates = [new double[rounds], new double[rounds]];
            for (var round = 0; round < rounds; round++)
            {
                for (var order = 0; order < orders.Length; order++)
                {
                    rates[order][round] = await ColdAsync(cache, orders[order] with { Seed = (ulong)round }).ConfigureAwait(false);
                }

                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"cold round {round + 1}: uniform {rates[0][round]:f0} samples/s, blocks of 16 in windows of 4 {rates[1][round]:f0}")).ConfigureAwait(false);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static async Task ShuffleAsync(string name, IClipOrder order, TextWriter output)
    {
        double moved = 0, entropy = 0, near = 0;
        for (var batch = 0; batch < Batches; batch++)
        {
            var first = (long)batch * (Clips / Batch / Batches) * Batch;
            long[] taken = [.. Enumerable.Range(0, Batch).Select(i => order.ClipAt(0, first + i))];
            moved += taken.Select((clip, i) => Math.Abs(clip - first - i) / (double)Clips).Average();
            entropy += taken.CountBy(c => c / (Clips / Classes)).Sum(c => -c.Value / (double)Batch * Math.Log2(c.Value / (double)Batch));
            near += taken.CountBy(c => c / Neighbours).Count(c => c.Value > 1);
        }

        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: clips move {moved / Batches:f3} of the data set, classes of a batch {entropy / Batches:f2} bits, {near / Batches:f1} groups of {Neighbours} neighbours met in a batch")).ConfigureAwait(false);
    }

    private static async Task<double> ColdAsync(string cache, FeedOptions options)
    {
        foreach (var shard in Directory.EnumerateFiles(Path.Combine(cache, "shards")))
        {
            using var file = File.OpenHandle(shard);
            if (Advise(file, 0, 0, DontNeed) != 0)
            {
                throw new InvalidOperationException($"{shard} stays in the page cache");
            }
        }

        ClipFeed feed = new(new CacheClipSource(Cache.Open(cache)), options with { BatchSize = 8, LocalVideoViews = 0, LocalAudioViews = 0, Workers = 1 }, new NoViews());
        await using (feed.ConfigureAwait(false))
        {
            var began = Stopwatch.GetTimestamp();
            await foreach (var batch in feed.ReadEpochAsync(0).ConfigureAwait(false))
            {
                batch.Dispose();
            }

            return feed.StepsPerEpoch * 8 / Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);
}
