using System.Diagnostics;
using System.Globalization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Bench;

/// <summary>What a feed over a cache holds and costs: over many batches, and while its consumer is paused.</summary>
internal static class FeedEndurance
{
    private const int Batch = 8;

    /// <param name="cache">A cache with both modalities.</param>
    /// <param name="batches">Batches to take.</param>
    /// <param name="pause">Length of the pause after the first tenth of them.</param>
    /// <param name="output">Receives the lines.</param>
    public static async Task<int> RunAsync(string cache, int batches, TimeSpan pause, TextWriter output)
    {
        const long budget = 256L << 20;
        ClipFeed feed = new(Cache.Open(cache), new FeedOptions { BatchSize = Batch, MemoryBudget = budget, LocalVideoViews = 1 });
        await using (feed.ConfigureAwait(false))
        {
            using var self = Process.GetCurrentProcess();
            var done = 0;
            long first = 0, most = 0, payload = 0;
            await foreach (var batch in feed.ReadAsync(0, CancellationToken.None).ConfigureAwait(false))
            {
                self.Refresh();
                first = done == 0 ? self.WorkingSet64 : first;
                (most, payload) = (Math.Max(most, self.WorkingSet64), Math.Max(payload, feed.BytesInFlight));
                if (done == 0 || done == batches || done % Math.Max(1, batches / 10) == 0)
                {
                    await output.WriteLineAsync(string.Create(
                        CultureInfo.InvariantCulture,
                        $"batch {done}: rss {self.WorkingSet64 / 1e6:f0} MB, payload {feed.BytesInFlight / 1e6:f0} of {budget / 1e6:f0} MB, managed heap {GC.GetTotalMemory(forceFullCollection: false) / 1e6:f0} MB")).ConfigureAwait(false);
                }

                if (done == batches / 10 && pause > TimeSpan.Zero)
                {
                    await PauseAsync(self, feed, pause, output).ConfigureAwait(false);
                }

                batch.Dispose();
                if (done++ == batches)
                {
                    break;
                }
            }

            var allowed = budget + (1.1 * first);
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"most: rss {most / 1e6:f0} MB of {allowed / 1e6:f0} (the budget and 110 % of the first batch's), payload {payload / 1e6:f0} of {budget / 1e6:f0} MB: {(most <= allowed && payload <= budget ? "holds" : "DOES NOT HOLD")}")).ConfigureAwait(false);
        }

        return 0;
    }

    private static async Task PauseAsync(Process self, ClipFeed feed, TimeSpan pause, TextWriter output)
    {
        // The queues fill in the first second; what is measured is the rest.
        await Task.Delay(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        self.Refresh();
        (var cpu, var rss, var payload) = (self.TotalProcessorTime, self.WorkingSet64, feed.BytesInFlight);
        await Task.Delay(pause).ConfigureAwait(false);
        self.Refresh();
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"paused {pause.TotalSeconds:f0} s: {(self.TotalProcessorTime - cpu).TotalMilliseconds:f0} ms of CPU, rss {rss / 1e6:f0} to {self.WorkingSet64 / 1e6:f0} MB, payload {payload / 1e6:f0} to {feed.BytesInFlight / 1e6:f0} MB")).ConfigureAwait(false);
    }
}
