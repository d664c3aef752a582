using System.Collections.Concurrent;
using System.Globalization;

namespace Xkd.Storage.Tests;

/// <summary>
/// Four parts are written at once to the independent server, each by two writers of which one stands by, over lines on which everything goes wrong. Again and
/// again a line is held for longer than a lease: then the other writer takes the part over, and what the first had sent arrives after all.
/// XKD_TEST_COMMITS sets the number of commits.
/// </summary>
public sealed class UnderFireTests : IAsyncLifetime
{
    private const int Parts = 4;
    private static readonly string[] TakenOver = ["taken over", "was continued by another process"];
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(2.5);

    private readonly TempFolder _folder = new();
    private readonly SemaphoreSlim _gate = new(1);
    private readonly List<BadLine> _lines = [];
    private readonly ConcurrentDictionary<string, int> _ends = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, bool> _halves = new();
    private S3rver? _server;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await S3rver.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _lines.ForEach(line => line.Dispose());
        await (_server?.DisposeAsync() ?? ValueTask.CompletedTask);
        _gate.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Commits_OfFourPartsThatAreTakenOverAgainAndAgain_AreAllThereOnce()
    {
        var commits = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_COMMITS") ?? "24", CultureInfo.InvariantCulture);
        ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal); // of what a commit said that it is there
        await Task.WhenAll(Enumerable.Range(0, Parts).Select(part => WritePartAsync(part, commits / Parts, told)));
        await Task.WhenAll(_lines.Select(line => line.QuietAsync()));

        using var store = ObjectCaches.Open(_server!.Endpoint, _folder);
        var cache = Cache.Open(store);
        var expected = Enumerable.Range(0, Parts).SelectMany(part => Enumerable.Range(0, commits / Parts), Id).Order(StringComparer.Ordinal);
        Assert.Equal(expected, cache.Clips.Select(clip => clip.Id).Order(StringComparer.Ordinal));
        Assert.All(told.Keys, id => Assert.Contains(cache.Clips, clip => clip.Id == id));
        Assert.Empty(CacheVerifier.Verify(store, ct: Ct).Errors);

        // No version takes anything away: one that a late request had put in would.
        ManifestStore manifests = new(store);
        HashSet<string> before = [];
        foreach (var version in manifests.Versions().Order())
        {
            HashSet<string> now = [.. manifests.Listing(manifests.TryRead(version, out _)!).Shards.Select(shard => shard.Path)];
            Assert.Superset(before, now);
            before = now;
        }

        var faults = _lines.SelectMany(line => line.Faults).GroupBy(fault => fault.Key, fault => fault.Value)
            .OrderBy(kind => kind.Key, StringComparer.Ordinal);
        TestContext.Current.SendDiagnosticMessage(
            $"{before.Count} shards in {manifests.Versions().Length} versions; {_lines.Sum(line => line.Faults.Values.Sum())} requests: {string.Join(", ", faults.Select(kind => $"{kind.Key} {kind.Sum()}"))}; "
            + $"writers ended: {string.Join(", ", _ends.OrderBy(end => end.Key, StringComparer.Ordinal).Select(end => $"{end.Key} {end.Value}"))}");
        Assert.True(_ends.Keys.Any(end => end.StartsWith("taken over", StringComparison.Ordinal)), "no writer was taken over");
    }

    private static string Id(int part, int i) => string.Create(CultureInfo.InvariantCulture, $"{part}-{i:D4}");

    // Two writers of one part: the one that holds it commits clip by clip, the other waits for its turn.
    private async Task WritePartAsync(int part, int clips, ConcurrentDictionary<string, bool> told)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(async which =>
        {
            BadLine line = new(_server!.Endpoint, _gate, (10 * part) + which);
            lock (_lines)
            {
                _lines.Add(line.Start());
            }

            Random random = new((10 * part) + which);
            while (!done.IsCancellationRequested)
            {
                if (await TurnAsync(part, clips, line, random, told, done.Token) is { } end)
                {
                    _ends.AddOrUpdate(end, 1, (_, n) => n + 1);
                }
                else
                {
                    await done.CancelAsync();
                }
            }
        }));
    }

    /// <returns>Why this writer ended; null when the part is complete.</returns>
    private async Task<string?> TurnAsync(int part, int clips, BadLine line, Random random, ConcurrentDictionary<string, bool> told, CancellationToken done)
    {
        var options = ObjectCaches.Options(line.Endpoint, _folder) with
        {
            Retries = 8, RetryDelay = TimeSpan.FromMilliseconds(5), Lease = Lease, CallTimeout = Lease * 0.4,
        };
        try
        {
            ObjectStore store = new(ObjectCaches.Cache, options, TimeProvider.System);
            CacheWriterOptions own = new() { Part = $"p{part}" };
            await using var writer = await CacheWriter.OpenAsync(store, Clips.Fingerprint, own, TimeProvider.System, done);
            for (var i = 0; i < clips; i++)
            {
                if (writer.Ledger.ContainsKey(Id(part, i)))
                {
                    continue;
                }

                await writer.AddAsync(Clips.Make(Id(part, i), frames: 1));
                var begun = i == clips / 2 && _halves.TryAdd(part, true); // of each part at least once
                if (begun || random.Next(12) == 0)
                {
                    // In the middle of this commit, anywhere in it.
                    var held = HoldAsync(line, random.Next(40), done);
                    await writer.CommitAsync(Ct);
                    told[Id(part, i)] = true;
                    await held;
                }
                else
                {
                    await writer.CommitAsync(Ct);
                    told[Id(part, i)] = true;
                }
            }

            return null;
        }
        catch (UsageException e) when (e.Message.Contains("is being written by", StringComparison.Ordinal))
        {
            return "waited in vain";
        }
        catch (FailureException e) when (TakenOver.Any(said => e.Message.Contains(said, StringComparison.Ordinal)))
        {
            return "taken over";
        }
        catch (FailureException e) when (e.Message.Contains("run the same command again", StringComparison.Ordinal))
        {
            return "the service failed";
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
            return "not needed any more";
        }
    }

    private static async Task HoldAsync(BadLine line, int milliseconds, CancellationToken done)
    {
        try
        {
            await Task.Delay(milliseconds, done);
            await line.HoldAsync(Lease * 2.5, done);
        }
        catch (OperationCanceledException)
        {
            // The other writer has completed the part.
        }
    }
}
