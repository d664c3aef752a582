using System.Diagnostics;
using System.Globalization;

namespace Xkd.Storage.Tests;

/// <summary>
/// Flips or takes away bytes all over a cache of several versions and holds verify to finding each, in the right file and cell; signs impossible values and holds
/// verify to naming each, and readers to ending with the error for damaged caches.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class DamageSweepTests : IAsyncLifetime, IDisposable
{
    // XKD_TEST_DAMAGE=all flips every byte of every file, and makes 1,200 damages instead of 150.
    private static readonly bool Every = Environment.GetEnvironmentVariable("XKD_TEST_DAMAGE") == "all";
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("XKD_TEST_SEED") ?? "20240224", CultureInfo.InvariantCulture);
    private readonly TempFolder _folder = new();

    public async ValueTask InitializeAsync() => await SmallIngest.RunAsync(_folder.Cache, new LocalFileSystem(), _ => { }, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Verify_AByteFlippedInAnyFile_IsFoundInItsCell()
    {
        TestContext.Current.SendDiagnosticMessage($"seed {Seed}");
        Random random = new(Seed);
        List<string> missed = [];
        foreach (var path in CommittedFiles())
        {
            var name = Name(path);
            var good = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            var cells = Cells(name);
            int[] positions = Every ? [.. Enumerable.Range(0, good.Length)] : [.. cells.Keys.Where(_ => random.Next(4) == 0), .. Enumerable.Range(0, 60).Select(i => ((i * good.Length) + random.Next(good.Length)) / 60)];
            foreach (var at in positions)
            {
                byte[] bad = [.. good];
                bad[at] ^= (byte)(1 << random.Next(8));
                await File.WriteAllBytesAsync(path, bad, TestContext.Current.CancellationToken);
                var errors = Errors();
                var found = cells.TryGetValue(at, out var cell)
                    ? errors is [var error] && (error.Shard, error.Row, error.Column) == (name, cell.Row, cell.Column)
                    : errors.Length > 0 && errors.All(e => e.Shard == name);
                if (!found)
                {
                    missed.Add($"{name} byte {at} {cell}: {string.Join<VerifyError>("; ", errors)}");
                }
            }

            await File.WriteAllBytesAsync(path, good, TestContext.Current.CancellationToken);
        }

        Assert.Empty(missed);
        Assert.Empty(Errors());
    }

    [Fact]
    public async Task Verify_AnyFileCutEmptiedOrRemoved_IsFound()
    {
        foreach (var path in CommittedFiles())
        {
            var good = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            foreach (var bad in new[] { good[1..], good[..^1], good[..(good.Length / 2)], [] })
            {
                await File.WriteAllBytesAsync(path, bad, TestContext.Current.CancellationToken);
                Assert.Contains(Errors(), e => e.Shard == Name(path));
            }

            File.Delete(path);
            var errors = Errors();
            Assert.True(errors.Length > 0, $"{Name(path)} was removed unseen");
            await File.WriteAllBytesAsync(path, good, TestContext.Current.CancellationToken);
        }

        Assert.Empty(Errors());
    }

    [Fact]
    public async Task Verify_MergedLedgerOfAFirstVersionEmptied_IsFound()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        await File.WriteAllBytesAsync(folder.In("ledger.jsonl"), [], TestContext.Current.CancellationToken);
        Assert.Equal("ledger.jsonl", Assert.Single(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors).Shard);
    }

    [Fact]
    public void VerifyAndRead_ADamageOrASignedLie_IsNamedAndEndsInTheErrorForIt()
    {
        const long MostAllocated = 64 << 20; // the cache has 30 KB; a length that lies asks for gigabytes
        CacheDamage damage = new(_folder.Cache, new Random(Seed));
        var pristine = SmallIngest.Contents(_folder.Cache);
        List<string> missed = [];
        SortedDictionary<string, int> outcomes = new(StringComparer.Ordinal);
        var longest = TimeSpan.Zero;
        for (var number = 0; number < (Every ? 1200 : 150); number++)
        {
            var done = $"case {number}: {damage.Make(number)}";
            var before = GC.GetTotalAllocatedBytes();
            var start = Stopwatch.GetTimestamp();
            var verified = Outcome(() => Errors() is { Length: > 0 } errors && errors.All(e => e.Shard.Length > 0 && e.Column.Length > 0) ? "named" : "not named");
            var read = Outcome(() => SmallIngest.Contents(_folder.Cache).SequenceEqual(pristine) ? "read as committed"
                : Cache.Open(_folder.Cache).Warnings.Count > 0 ? "an older version, with a warning" : "read otherwise");
            var allocated = GC.GetTotalAllocatedBytes() - before;
            var took = Stopwatch.GetElapsedTime(start);
            longest = took > longest ? took : longest;
            outcomes[$"verify {verified}, reader {read}"] = outcomes.GetValueOrDefault($"verify {verified}, reader {read}") + 1;

            // Whoever signs an index may say in it whatever can be: another label is no damage. What it leads to must still be an answer or the error for damage, in bounded memory.
            var possible = done.Contains("index: ", StringComparison.Ordinal);
            if (!possible && (verified != "named" || read == "read otherwise") || allocated > MostAllocated)
            {
                missed.Add($"{done}: verify {verified}, reader {read}, {allocated >> 20} MiB allocated");
            }

            damage.Mend();
        }

        var all = string.Join("; ", outcomes.Select(o => $"{o.Value} × {o.Key}"));
        TestContext.Current.SendDiagnosticMessage($"seed {Seed}, the slowest case took {longest.TotalMilliseconds:f0} ms; {all}");
        Assert.True(missed.Count == 0, string.Join('\n', missed));
        Assert.Empty(Errors());
    }

    // What escapes from here is a defect, and fails the test with its stack. A schema of later is no damage, but another program's.
    private static string Outcome(Func<string> look)
    {
        try
        {
            return look();
        }
        catch (CorruptCacheException e) when (e.Shard.Length > 0 && e.Column.Length > 0)
        {
            return "refused as damaged";
        }
        catch (UsageException e) when (e.Message.Contains("of schema", StringComparison.Ordinal))
        {
            return "refused as of a later schema";
        }
    }

    // Every byte of every frames and mel value, with its row.
    private Dictionary<int, (int Row, string Column)> Cells(string name)
    {
        Dictionary<int, (int, string)> cells = [];
        var cache = Cache.Open(_folder.Cache);
        foreach (var clip in cache.Clips.Where(c => cache.Manifest.Shards[c.Shard].Path == name))
        {
            Add(clip.FramesOffset, clip.FramesBytes, "frames");
            Add(clip.MelOffset, Clips.Fingerprint.Mels * clip.MelFrames * 2, "mel");

            void Add(long offset, long bytes, string column)
            {
                for (var i = 0; i < bytes; i++)
                {
                    cells.Add((int)offset + i, (clip.Row, column));
                }
            }
        }

        return cells;
    }

    private string[] CommittedFiles() =>
        [.. Directory.GetFiles(_folder.Cache, "*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f) != ".lock").Order(StringComparer.Ordinal)];

    private string Name(string path) => Path.GetRelativePath(_folder.Cache, path);

    private VerifyError[] Errors() => [.. CacheVerifier.Verify(_folder.Cache, ct: TestContext.Current.CancellationToken).Errors];
}
