namespace Xkd.Storage.Tests;

public sealed class CacheVerifierTests : IAsyncLifetime, IDisposable
{
    private static readonly ClipRecord[] All = [.. Enumerable.Range(0, 7).Select(i => Clips.Make($"clip{i}", frames: i, height: 4, width: 5, melFrames: i + 1))];
    private readonly TempFolder _folder = new();
    private ShardEntry _shard = null!;
    private ClipEntry[] _clips = [];
    private byte[] _good = [];

    private string ShardFile => _folder.In(_shard.Path);

    public async ValueTask InitializeAsync()
    {
        var manifest = await Clips.WriteAsync(_folder.Cache, All, new CacheWriterOptions { RowGroupRows = 4 });
        _shard = Assert.Single(manifest.Shards);
        _clips = [.. Cache.Open(_folder.Cache).Clips];
        _good = await File.ReadAllBytesAsync(ShardFile, TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Verify_UntouchedCache_IsOk()
    {
        var report = Verify();
        Assert.Empty(report.Errors);
        Assert.True(report.Ok);
        Assert.Equal((1, 7L), (report.Shards, report.Rows));
    }

    [Fact]
    public async Task Verify_AnyByteFlipped_NamesShardRowAndColumn()
    {
        for (var at = 0; at < _good.Length; at += 23)
        {
            byte[] bad = [.. _good];
            bad[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(ShardFile, bad, TestContext.Current.CancellationToken);
            (long? Row, string Column) cell = (null, "file");
            foreach (var clip in _clips)
            {
                cell = At(clip.FramesOffset, clip.FramesBytes) || At(clip.FrameHashOffset, clip.NumFrames * 8) ? (clip.Row, "frames") : At(clip.MelOffset, 16 * clip.MelFrames) ? (clip.Row, "mel") : cell;
            }

            var error = Assert.Single(Verify().Errors);
            Assert.Equal((_shard.Path, cell.Row, cell.Column), (error.Shard, error.Row, error.Column));

            bool At(long offset, long bytes) => at >= offset && at < offset + bytes;
        }
    }

    [Fact]
    public async Task Verify_FlippedFrameOrMelByte_NamesTheVeryRow()
    {
        for (var row = 1; row < All.Length; row++)
        {
            foreach ((var column, var offset, var length) in new[] { ("frames", _clips[row].FramesOffset, All[row].Frames.Length), ("mel", _clips[row].MelOffset, All[row].Mel.Length) })
            {
                foreach (var at in new[] { offset, offset + (length / 2), offset + length - 1 })
                {
                    byte[] bad = [.. _good];
                    bad[at] ^= 4;
                    await File.WriteAllBytesAsync(ShardFile, bad, TestContext.Current.CancellationToken);
                    var error = Assert.Single(Verify().Errors);
                    Assert.Equal((_shard.Path, (long?)row, column), (error.Shard, error.Row, error.Column));
                }
            }
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Verify_ByteLostOrAddedInARow_NamesTheRow(int change)
    {
        var at = (int)_clips[5].FramesOffset + 17;
        byte[] bad = change < 0 ? [.. _good[..at], .. _good[(at + 1)..]] : [.. _good[..at], 99, .. _good[at..]];
        await File.WriteAllBytesAsync(ShardFile, bad, TestContext.Current.CancellationToken);
        var errors = Verify().Errors;
        Assert.Equal($"{_good.Length + change} bytes", errors[0].Got);
        Assert.Contains(errors, e => e.Row == 5 && e.Column == "frames");
    }

    [Fact]
    public async Task Verify_FileCutOrLengthenedOrMissing_SaysSo()
    {
        await File.WriteAllBytesAsync(ShardFile, _good[..^5], TestContext.Current.CancellationToken);
        Assert.Equal($"{_good.Length - 5} bytes", Assert.Single(Verify().Errors).Got);
        await File.WriteAllBytesAsync(ShardFile, [.. _good, 0], TestContext.Current.CancellationToken);
        Assert.Equal($"{_good.Length + 1} bytes", Assert.Single(Verify().Errors).Got);
        File.Delete(ShardFile);
        Assert.Equal(new VerifyError(_shard.Path, null, "file", $"{_good.Length} bytes", "no file"), Assert.Single(Verify().Errors));
    }

    [Theory]
    [InlineData("ledger/main-000001.jsonl", "file")]
    [InlineData("index/main-000001.parquet", "file")]
    [InlineData("ledger.jsonl", "ledger")]
    [InlineData("manifest/000001.json", "manifest")]
    public async Task Verify_FlippedByteBesideTheShards_NamesTheFile(string file, string column)
    {
        var good = await File.ReadAllBytesAsync(_folder.In(file), TestContext.Current.CancellationToken);
        for (var at = 0; at < good.Length; at += 23)
        {
            byte[] bad = [.. good];
            bad[at] ^= 1;
            await File.WriteAllBytesAsync(_folder.In(file), bad, TestContext.Current.CancellationToken);
            var error = Assert.Single(Verify().Errors);
            Assert.Equal((file, column), (error.Shard, error.Column));
        }
    }

    [Fact]
    public async Task Verify_MergedLedgerOfAnyVersion_IsNoDamage()
    {
        using TempFolder folder = new();
        List<byte[]> merges = [];
        foreach (var part in new[] { "one", "two", "three", "one" })
        {
            await using var writer = await Clips.OpenAsync(folder.Cache, new CacheWriterOptions { Part = part });
            await writer.SettleAsync(Clips.Failed("tried by all"), TestContext.Current.CancellationToken);
            await writer.AddAsync(Clips.Make($"clip{merges.Count}"));
            await writer.CommitAsync(TestContext.Current.CancellationToken);
            merges.Add(await File.ReadAllBytesAsync(folder.In("ledger.jsonl"), TestContext.Current.CancellationToken));
        }

        foreach (var merge in merges)
        {
            await File.WriteAllBytesAsync(folder.In("ledger.jsonl"), merge, TestContext.Current.CancellationToken);
            Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors);

            merge[^10] ^= 1;
            await File.WriteAllBytesAsync(folder.In("ledger.jsonl"), merge, TestContext.Current.CancellationToken);
            Assert.Contains("ingest --merge writes it anew", Assert.Single(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors).Expected, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Verify_NoMergedLedger_IsNoDamageWhileEachPartCommittedOnce()
    {
        using TempFolder folder = new();
        await using var one = await Clips.OpenAsync(folder.Cache, new CacheWriterOptions { Part = "one" });
        await using var two = await Clips.OpenAsync(folder.Cache, new CacheWriterOptions { Part = "two" });
        await one.AddAsync(Clips.Make("a"));
        await two.AddAsync(Clips.Make("b"));
        await one.CommitAsync(TestContext.Current.CancellationToken);
        await two.CommitAsync(TestContext.Current.CancellationToken);
        File.Delete(folder.In("ledger.jsonl"));
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors);

        await two.AddAsync(Clips.Make("c"));
        await two.CommitAsync(TestContext.Current.CancellationToken);
        File.Delete(folder.In("ledger.jsonl"));
        Assert.Equal("no file", Assert.Single(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Errors).Got);
    }

    [Fact]
    public async Task Verify_ACommitBeforeTheMergedLedgerIsRead_IsNoDamage()
    {
        await using var writer = await Clips.OpenAsync(_folder.Cache, new CacheWriterOptions { Part = "at-work" });
        await writer.AddAsync(Clips.Make("later", height: 4, width: 5));
        using LocalStore store = new(_folder.Cache, new LocalFileSystem());
        var watched = WatchedStore.Of(store, name =>
        {
            if (name == "ledger.jsonl")
            {
                writer.CommitAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
            }
        });
        Assert.Empty(CacheVerifier.Verify(watched, ct: TestContext.Current.CancellationToken).Errors);
        Assert.Equal(2, Cache.Open(_folder.Cache).Manifest.Version);
    }

    [Fact]
    public void Verify_NoCache_IsAUsageError()
    {
        var e = Assert.Throws<UsageException>(() => CacheVerifier.Verify(_folder.In("nowhere"), ct: TestContext.Current.CancellationToken));
        Assert.Contains("xkd ingest --out", e.Message, StringComparison.Ordinal);
    }

    private VerifyReport Verify() => CacheVerifier.Verify(_folder.Cache, ct: TestContext.Current.CancellationToken);
}
