using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>A second run over sources that have changed, moved or gone since the first.</summary>
public sealed class ChangedSourcesTests : IDisposable
{
    private const double Then = 1_600_000_000.125;
    private readonly JobFixture _fixture = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task RunAsync_AnySource_WritesItsSizeAndTimeIntoItsLine()
    {
        Write("media/a.mp4", "A12");
        Write("media/bad.mp4", "!");
        await File.WriteAllTextAsync(_fixture.Media["media/list.csv"], "path\na.mp4\nbad.mp4\nabsent.mp4\n", Ct);
        await RunAsync(_fixture.Options with { Dataset = "csv" });

        var ledger = await _fixture.LedgerAsync();
        Assert.Equal((ItemState.Committed, 3L, Then), (ledger["a.mp4"].State, ledger["a.mp4"].Bytes, ledger["a.mp4"].Mtime));
        Assert.Equal((ItemState.Failed, 1L, Then), (ledger["bad.mp4"].State, ledger["bad.mp4"].Bytes, ledger["bad.mp4"].Mtime));
        Assert.Equal((ItemState.Failed, null, null), (ledger["absent.mp4"].State, ledger["absent.mp4"].Bytes, ledger["absent.mp4"].Mtime));
    }

    [Fact]
    public async Task RunAsync_Changed_KeepsTheClipsAndSaysSo()
    {
        await TwoIngestedAsync();
        Write("media/one/a.mp4", "XYZ");
        List<string> notes = [];
        var again = await RunAsync(progress: new Notes(notes));

        Assert.Equal((0, 2), (again.Committed, again.Skipped));
        Assert.Equal(["one/a.mp4"], again.Changes.Changed);
        Assert.Equal(["1 file has changed since ingest (one/a.mp4): the cached clips stay; --changed replace decodes again"], notes);
        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());
        Assert.Equal(1, Cache.Open(_fixture.Out).Manifest.Version);
    }

    [Fact]
    public async Task RunAsync_ChangedReplace_ShowsTheNewContentUnderOneLine()
    {
        await TwoIngestedAsync();
        Write("media/one/a.mp4", "XYZ", Then + 7);
        var again = await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace });

        Assert.Equal((1, 0, 1), (again.Committed, again.Failed, again.Skipped));
        Assert.Equal(["one/a.mp4 one X", "two/b.mp4 two B"], Contents());
        var lines = await File.ReadAllLinesAsync(Path.Combine(_fixture.Out, "ledger.jsonl"), Ct);
        Assert.Equal(2, lines.Length);
        var line = (await _fixture.LedgerAsync())["one/a.mp4"];
        Assert.Equal((ItemState.Committed, 3L, Then + 7, 2), (line.State, line.Bytes, line.Mtime, line.Attempts));
        var third = await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace });
        Assert.Equal((0, 0), (third.Committed, third.Changes.Changed.Count));
        RequireWhole();
    }

    [Fact]
    public async Task RunAsync_ReplacementFails_KeepsTheOldClipsAndSaysWhy()
    {
        await TwoIngestedAsync();
        Write("media/one/a.mp4", "!broken");
        var again = await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace });

        Assert.Equal((0, 1), (again.Committed, again.Failed));
        Assert.Contains("the clips of one/a.mp4 stay", Assert.Single(again.FirstFailures).Detail, StringComparison.Ordinal);
        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());
        var line = (await _fixture.LedgerAsync())["one/a.mp4"];
        Assert.Equal((ItemState.Committed, 1L), (line.State, line.Bytes));
        Assert.Equal(["not replaced: decode/corrupt: it begins with !"], line.Warnings);
        Write("media/one/a.mp4", "Mended");
        Assert.Equal(1, (await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace })).Committed);
        Assert.Equal(["one/a.mp4 one M", "two/b.mp4 two B"], Contents());
        Assert.Empty((await _fixture.LedgerAsync())["one/a.mp4"].Warnings);
    }

    [Fact]
    public async Task RunAsync_ChangedFail_NamesTheFileAndWritesNothing()
    {
        await TwoIngestedAsync();
        Write("media/one/a.mp4", "XYZ");
        Write("media/one/new.mp4", "N");
        var error = await Assert.ThrowsAsync<UsageException>(() => RunAsync(_fixture.Options with { Changed = ChangedPolicy.Fail }));

        Assert.Contains("--changed fail: 1 file has changed", error.Message, StringComparison.Ordinal);
        Assert.Contains("one/a.mp4", error.Message, StringComparison.Ordinal);
        Assert.Equal((1, 2), (Cache.Open(_fixture.Out).Manifest.Version, Contents().Count));
    }

    [Theory]
    [InlineData(60, 1)]
    [InlineData(-60, 0)]
    [InlineData(0.0001, 0)]
    public async Task RunAsync_AnotherTimeAlone_IsAChangeOnlyIfLater(double later, int changed)
    {
        await TwoIngestedAsync();
        Touch("media/one/a.mp4", Then + later);
        var again = await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace });

        Assert.Equal((changed, changed), (again.Changes.Changed.Count, again.Committed));
        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());
        RequireWhole();
    }

    [Fact]
    public async Task RunAsync_FailedFileMended_IsDoneAgainByReplace()
    {
        Write("media/a.mp4", "!");
        await RunAsync();
        Write("media/a.mp4", "Good");
        var kept = await RunAsync();
        Assert.Equal((0, 1, 1), (kept.Committed, kept.FailedEarlier, kept.Changes.Changed.Count));
        var again = await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace });

        Assert.Equal((1, 0), (again.Committed, again.FailedEarlier));
        Assert.Equal(["a.mp4  G"], Contents());
    }

    [Fact]
    public async Task RunAsync_Moved_IsNotIngestedTwiceAndSaysSo()
    {
        await TwoIngestedAsync();
        Move("media/one/a.mp4", "media/three/a.mp4");
        List<string> notes = [];
        var again = await RunAsync(progress: new Notes(notes));

        Assert.Equal([new MovedSource("one/a.mp4", "three/a.mp4")], again.Changes.Moved);
        Assert.Equal((0, 2, 0), (again.Committed, again.Skipped, again.Changes.Gone.Count));
        Assert.Contains("one/a.mp4 is now three/a.mp4", Assert.Single(notes), StringComparison.Ordinal);
        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());
    }

    [Fact]
    public async Task RunAsync_MovedThereAndBackReplace_HasTheClipsUnderTheIdOfTheFile()
    {
        await TwoIngestedAsync();
        var replace = _fixture.Options with { Changed = ChangedPolicy.Replace, Gone = GonePolicy.Remove };
        Move("media/one/a.mp4", "media/three/a.mp4");
        Assert.Equal(1, (await RunAsync(replace)).Committed);
        Assert.Equal(["three/a.mp4 three A", "two/b.mp4 two B"], Contents());
        var ledger = await _fixture.LedgerAsync();
        Assert.Equal((ItemState.Removed, "moved", "its file is three/a.mp4 now"), (ledger["one/a.mp4"].State, ledger["one/a.mp4"].Reason, ledger["one/a.mp4"].Detail));
        RequireWhole();

        Move("media/three/a.mp4", "media/one/a.mp4");
        Assert.Equal(1, (await RunAsync(replace)).Committed);
        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());
        RequireWhole();
    }

    [Fact]
    public async Task RunAsync_MovedFileDoesNotDecode_KeepsTheOldClips()
    {
        await TwoIngestedAsync();
        Move("media/one/a.mp4", "media/three/a.mp4");
        await File.WriteAllTextAsync(_fixture.Media["media/three/a.mp4"], "!", Ct);
        Touch("media/three/a.mp4", Then);
        Assert.Equal(1, (await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace })).Failed);

        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());
        Assert.Equal((ItemState.Committed, ItemState.Failed), ((await _fixture.LedgerAsync())["one/a.mp4"].State, (await _fixture.LedgerAsync())["three/a.mp4"].State));
    }

    [Fact]
    public async Task RunAsync_Gone_KeepsThenRemovesThenBringsBackOnRequest()
    {
        await TwoIngestedAsync();
        File.Delete(_fixture.Media["media/one/a.mp4"]);
        var kept = await RunAsync();
        Assert.Equal(["one/a.mp4"], kept.Changes.Gone);
        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());

        await RunAsync(_fixture.Options with { Gone = GonePolicy.Remove });
        Assert.Equal(["two/b.mp4 two B"], Contents());
        Assert.Equal((ItemState.Removed, "gone"), ((await _fixture.LedgerAsync())["one/a.mp4"].State, (await _fixture.LedgerAsync())["one/a.mp4"].Reason));
        RequireWhole();

        Write("media/one/a.mp4", "A");
        Assert.Equal(0, (await RunAsync()).Committed);
        Assert.Equal(1, (await RunAsync(_fixture.Options with { RetryFailed = true })).Committed);
        Assert.Equal(["one/a.mp4 one A", "two/b.mp4 two B"], Contents());
    }

    [Fact]
    public async Task RunAsync_ClipsRemovedByHand_StayRemovedWhateverTheFileDoes()
    {
        await TwoIngestedAsync();
        await new CacheEditor(_fixture.Out, TimeProvider.System).RemoveAsync(ClipFilter.Parse(["id=one/a.mp4"], null), Ct);
        Write("media/one/a.mp4", "XYZ", Then + 7);
        var again = await RunAsync(_fixture.Options with { Changed = ChangedPolicy.Replace, RetryFailed = true });

        Assert.Equal((0, 2, 0), (again.Committed, again.Skipped, again.Changes.Changed.Count));
        Assert.Equal(["two/b.mp4 two B"], Contents());
    }

    [Fact]
    public async Task RunAsync_SeveralRoots_NeverMissesAnotherRootsFiles()
    {
        await TwoIngestedAsync();
        Write("other/c.mp4", "C");
        Write("other/d.mp4", "D");
        var other = _fixture.Options with { Root = _fixture.Media["other"] };
        await RunAsync(other);
        Directory.Delete(_fixture.Root, recursive: true);
        File.Delete(_fixture.Media["other/d.mp4"]);
        var again = await RunAsync(other with { Gone = GonePolicy.Remove });

        Assert.Equal(["d.mp4"], again.Changes.Gone);
        Assert.Equal(["c.mp4  C", "one/a.mp4 one A", "two/b.mp4 two B"], Contents());
    }

    [Fact]
    public async Task RunAsync_Partitions_EachKnowsItsOwn()
    {
        string[] names = [.. Enumerable.Range(0, 8).Select(static i => $"v{i}.mp4")];
        Array.ForEach(names, name => Write($"media/one/{name}", "A" + name));
        await RunAsync();
        Array.ForEach(names[..4], name => Move($"media/one/{name}", $"media/two/{name}"));
        Array.ForEach(names[4..], name => File.Delete(_fixture.Media[$"media/one/{name}"]));
        Write("media/last.mp4", "L");
        List<string> moved = [], gone = [];
        for (var part = 1; part <= 3; part++)
        {
            var run = await RunAsync(_fixture.Options with { Partition = part, Partitions = 3, Changed = ChangedPolicy.Replace, Gone = GonePolicy.Remove });
            Assert.All(run.Changes.Moved, move => Assert.True(Partition.Owns(move.To, part, 3)));
            Assert.All(run.Changes.Gone, id => Assert.True(Partition.Owns(id, part, 3)));
            moved.AddRange(run.Changes.Moved.Select(static move => move.From));
            gone.AddRange(run.Changes.Gone);
        }

        Assert.Equal(names[..4].Select(static name => $"one/{name}"), moved.Order(StringComparer.Ordinal));
        Assert.Equal(names[4..].Select(static name => $"one/{name}"), gone.Order(StringComparer.Ordinal));
        Assert.Equal([$"last.mp4  L", .. names[..4].Select(static name => $"two/{name} two A")], Contents());
        RequireWhole();
    }

    [Fact]
    public async Task ForecastAsync_NewFolder_EstimatesAndWritesNothing()
    {
        for (var i = 0; i < 20; i++)
        {
            Write($"media/v{i:D2}.mp4", "A");
        }

        var forecast = await new IngestJob(_fixture.Options, _fixture.Media.Tools, TimeProvider.System, new ByteDecoder(), cores: 4).ForecastAsync(Ct);
        Assert.False(Directory.Exists(_fixture.Out));
        Assert.Equal((20, 20, 0, 0, 20L), (forecast.Pending, forecast.New, forecast.Settled, forecast.FailedEarlier, forecast.Clips));
        Assert.InRange(forecast.Sampled, 1, 8);
        Assert.True(forecast.Seconds > 0);

        await RunAsync();
        var cache = Cache.Open(_fixture.Out);
        Assert.Equal(cache.Clips.Sum(static clip => clip.FramesBytes + (clip.MelFrames * 80L * 2)), forecast.Bytes);
    }

    [Fact]
    public async Task ForecastAsync_OverACache_CountsAndLeavesEveryFileAsItIs()
    {
        await TwoIngestedAsync();
        Write("media/bad.mp4", "!");
        Write("media/one/c.mp4", "C");
        Write("media/one/d.mp4", "D");
        await RunAsync();
        Write("media/one/a.mp4", "XYZ");
        Move("media/one/c.mp4", "media/c.mp4");
        File.Delete(_fixture.Media["media/one/d.mp4"]);
        Write("media/new.mp4", "N");
        var before = Files();
        var forecast = await new IngestJob(_fixture.Options, _fixture.Media.Tools, TimeProvider.System, new ByteDecoder(), cores: 2).ForecastAsync(Ct);

        Assert.Equal((1, 1, 4, 1), (forecast.Pending, forecast.New, forecast.Settled, forecast.FailedEarlier));
        Assert.Equal((1, 1, 1), (forecast.Changes.Changed.Count, forecast.Changes.Moved.Count, forecast.Changes.Gone.Count));
        Assert.Equal(before, Files());
        await Assert.ThrowsAsync<FingerprintMismatchException>(() => new IngestJob(_fixture.Options with { ShortSide = 64 }, _fixture.Media.Tools, TimeProvider.System).ForecastAsync(Ct));
        await Assert.ThrowsAsync<UsageException>(() => new IngestJob(_fixture.Options with { Out = _fixture.Root }, _fixture.Media.Tools, TimeProvider.System).ForecastAsync(Ct));
    }

    private async Task TwoIngestedAsync()
    {
        Write("media/one/a.mp4", "A");
        Write("media/two/b.mp4", "B");
        Assert.Equal(2, (await RunAsync()).Committed);
    }

    private Task<IngestResult> RunAsync(IngestOptions? options = null, IProgress<IngestProgress>? progress = null) =>
        new IngestJob(options ?? _fixture.Options, _fixture.Media.Tools, TimeProvider.System, new ByteDecoder(), cores: 2).RunAsync(progress, Ct);

    private void Write(string name, string text, double time = Then)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_fixture.Media[name])!);
        File.WriteAllText(_fixture.Media[name], text);
        Touch(name, time);
    }

    private void Touch(string name, double time) => File.SetLastWriteTimeUtc(_fixture.Media[name], DateTime.UnixEpoch.AddSeconds(time));

    private void Move(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_fixture.Media[to])!);
        File.Move(_fixture.Media[from], _fixture.Media[to]);
    }

    private List<string> Contents()
    {
        var cache = Cache.Open(_fixture.Out);
        using var reader = new ClipReader(cache);
        return [.. cache.Clips.Select(clip =>
        {
            var frames = new byte[clip.NumFrames * clip.FrameBytes];
            reader.ReadFrames(clip, 0, clip.NumFrames, frames);
            return $"{clip.Id} {clip.Label} {(char)Assert.Single(frames.Distinct())}";
        })];
    }

    private List<string> Files() => [.. Directory.GetFiles(_fixture.Out, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(static file => $"{file} {new FileInfo(file).Length} {File.GetLastWriteTimeUtc(file).Ticks}")];

    private void RequireWhole()
    {
        var cache = Cache.Open(_fixture.Out);
        Assert.Equal(cache.Clips.Count, cache.Manifest.Clips);
        Assert.Empty(CacheVerifier.Verify(_fixture.Out, ct: Ct).Errors);
    }

    private sealed class Notes(List<string> notes) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => notes.AddRange(value.Notes);
    }
}
