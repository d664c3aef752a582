using System.Globalization;

namespace Xkd.Storage.Tests;

/// <summary>Flips or takes away bytes all over a cache of several versions and holds verify to finding each, in the right file and cell.</summary>
public sealed class DamageSweepTests : IAsyncLifetime, IDisposable
{
    // XKD_TEST_DAMAGE=all flips every byte of every file.
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
        foreach (string path in CommittedFiles())
        {
            string name = Name(path);
            byte[] good = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            Dictionary<int, (int Row, string Column)> cells = Cells(name);
            int[] positions = Every ? [.. Enumerable.Range(0, good.Length)] : [.. cells.Keys.Where(_ => random.Next(4) == 0), .. Enumerable.Range(0, 60).Select(i => ((i * good.Length) + random.Next(good.Length)) / 60)];
            foreach (int at in positions)
            {
                byte[] bad = [.. good];
                bad[at] ^= (byte)(1 << random.Next(8));
                await File.WriteAllBytesAsync(path, bad, TestContext.Current.CancellationToken);
                VerifyError[] errors = Errors();
                bool found = cells.TryGetValue(at, out (int Row, string Column) cell)
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
        foreach (string path in CommittedFiles())
        {
            byte[] good = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            foreach (byte[] bad in new[] { good[1..], good[..^1], good[..(good.Length / 2)], [] })
            {
                await File.WriteAllBytesAsync(path, bad, TestContext.Current.CancellationToken);
                Assert.Contains(Errors(), e => e.Shard == Name(path));
            }

            File.Delete(path);
            VerifyError[] errors = Errors();
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

    // Every byte of every frames and mel value, with its row.
    private Dictionary<int, (int Row, string Column)> Cells(string name)
    {
        Dictionary<int, (int, string)> cells = [];
        Cache cache = Cache.Open(_folder.Cache);
        foreach (ClipEntry clip in cache.Clips.Where(c => cache.Manifest.Shards[c.Shard].Path == name))
        {
            Add(clip.FramesOffset, clip.FramesBytes, "frames");
            Add(clip.MelOffset, Clips.Fingerprint.Mels * clip.MelFrames * 2, "mel");

            void Add(long offset, long bytes, string column)
            {
                for (int i = 0; i < bytes; i++)
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
