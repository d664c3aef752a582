namespace Xkd.Storage.Tests;

public sealed class CacheWriterTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, Fingerprint> OtherFingerprints => new()
    {
        { "fps 8 ≠ 16", Clips.Fingerprint with { Fps = 16 } },
        { "short_side 12 ≠ 224", Clips.Fingerprint with { ShortSide = 224 } },
        { "sample_rate 16000 ≠ 8000", Clips.Fingerprint with { SampleRate = 8000 } },
        { "n_fft 1024 ≠ 512", Clips.Fingerprint with { NFft = 512 } },
        { "hop 143 ≠ 160", Clips.Fingerprint with { Hop = 160 } },
        { "mels 8 ≠ 64", Clips.Fingerprint with { Mels = 64 } },
        { "frames_codec raw ≠ jpeg", Clips.Fingerprint with { FramesCodec = "jpeg" } },
        { "frame_rule on_screen ≠ nearest", Clips.Fingerprint with { FrameRule = FrameRules.Nearest } },
        { "audio_codec mel ≠ pcm", Clips.Fingerprint with { AudioCodec = "pcm" } },
        { "decoder made up ≠ ffmpeg 7", Clips.Fingerprint with { Decoder = "ffmpeg 7" } },
    };

    [Theory]
    [MemberData(nameof(OtherFingerprints))]
    public async Task Open_AnotherFingerprint_NamesKeyBothValuesAndFix(string difference, Fingerprint other)
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        var e = await Assert.ThrowsAsync<FingerprintMismatchException>(() => Clips.OpenAsync(folder.Cache, fingerprint: other));
        Assert.Equal([difference], e.Differences);
        Assert.Contains(difference, e.Message, StringComparison.Ordinal);
        Assert.Contains("another folder", e.Message, StringComparison.Ordinal);
        Assert.IsType<UsageException>(e, exactMatch: false);
    }

    [Fact]
    public async Task Open_SeveralKeysDiffer_NamesEach()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        var e = await Assert.ThrowsAsync<FingerprintMismatchException>(() => Clips.OpenAsync(folder.Cache, fingerprint: Clips.Fingerprint with { Fps = 4, Hop = 1 }));
        Assert.Equal(["fps 8 ≠ 4", "hop 143 ≠ 1"], e.Differences);
    }

    [Fact]
    public async Task Open_FolderOfOtherThings_IsRefusedAndLeftAlone()
    {
        using TempFolder folder = new();
        var file = Path.Combine(folder.Path, "thesis.tex");
        await File.WriteAllTextAsync(file, "years of work", Ct);
        var e = await Assert.ThrowsAsync<UsageException>(() => Clips.OpenAsync(folder.Path));
        Assert.Contains("holds other things", e.Message, StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task Open_PartBeingWritten_IsRefused()
    {
        using TempFolder folder = new();
        await using var writer = await Clips.OpenAsync(folder.Cache);
        var e = await Assert.ThrowsAsync<UsageException>(() => Clips.OpenAsync(folder.Cache));
        Assert.Contains("part main", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_BadOptions_NamesThemAllAtOnce()
    {
        using TempFolder folder = new();
        var e = await Assert.ThrowsAsync<UsageException>(() =>
            Clips.OpenAsync(folder.Cache, new CacheWriterOptions { Part = "0/8", ShardBytes = 0, JpegQuality = 101 }, Clips.Fingerprint with { FramesCodec = "h264" }));
        Assert.All(new[] { "\"0/8\"", "shard bytes 0", "JPEG quality 101", "h264" }, text => Assert.Contains(text, e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Settle_FailedItem_DropsItsClipsAndKeepsItsLine()
    {
        using TempFolder folder = new();
        await using var writer = await Clips.OpenAsync(folder.Cache);
        await writer.AppendAsync(Clips.Make("x#0", item: "x"), Ct);
        await writer.SettleAsync(Clips.Failed("x"), Ct);
        await writer.AddAsync(Clips.Make("y"));
        await writer.CommitAsync(Ct);
        var cache = Cache.Open(folder.Cache);
        Assert.Equal(["y"], cache.Clips.Select(c => c.Id));
        Assert.Equivalent(Clips.Failed("x"), cache.ReadLedger()["x"]);
    }

    [Fact]
    public async Task Settle_OnlyFailures_StillCommits()
    {
        using TempFolder folder = new();
        await using var writer = await Clips.OpenAsync(folder.Cache);
        await writer.SettleAsync(Clips.Failed("x"), Ct);
        var manifest = await writer.CommitAsync(Ct);
        Assert.Equal((1, 0), (manifest.Version, manifest.Clips));
        Assert.Empty(Cache.Open(folder.Cache).Clips);
        Assert.Single(await File.ReadAllLinesAsync(folder.In("ledger.jsonl"), Ct));
    }

    [Fact]
    public async Task Settle_FailedItemTriedAgain_EndsInOneLine()
    {
        using TempFolder folder = new();
        await using (var writer = await Clips.OpenAsync(folder.Cache))
        {
            await writer.SettleAsync(Clips.Failed("x"), Ct);
            await writer.CommitAsync(Ct);
        }

        await using (var writer = await Clips.OpenAsync(folder.Cache))
        {
            Assert.Equal(ItemState.Failed, writer.Ledger["x"].State);
            await writer.AppendAsync(Clips.Make("x"), Ct);
            await writer.SettleAsync(Clips.Committed("x") with { Attempts = 2, Warnings = ["7 concealed macroblocks"] }, Ct);
            await writer.CommitAsync(Ct);
        }

        var entry = Assert.Single(Cache.Open(folder.Cache).ReadLedger().Values);
        Assert.Equal((ItemState.Committed, 2), (entry.State, entry.Attempts));
        Assert.Contains("\"attempts\":2", Assert.Single(await File.ReadAllLinesAsync(folder.In("ledger.jsonl"), Ct)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settle_CommittedTwice_IsRefused()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        await using var writer = await Clips.OpenAsync(folder.Cache);
        await Assert.ThrowsAsync<UsageException>(() => writer.AppendAsync(Clips.Make("a"), Ct));
        await Assert.ThrowsAsync<UsageException>(() => writer.SettleAsync(Clips.Failed("a"), Ct));
        await Assert.ThrowsAsync<ArgumentException>(() => writer.SettleAsync(Clips.Committed("b"), Ct));
    }

    [Fact]
    public async Task Append_TwoItemsOneClipId_IsRefused()
    {
        using TempFolder folder = new();
        await using var writer = await Clips.OpenAsync(folder.Cache);
        await writer.AppendAsync(Clips.Make("a", item: "one"), Ct);
        var e = await Assert.ThrowsAsync<UsageException>(() => writer.AppendAsync(Clips.Make("a", item: "two"), Ct));
        Assert.Contains("clip id a appears twice", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Append_PartsThatDisagree_IsRefused()
    {
        using TempFolder folder = new();
        await using var writer = await Clips.OpenAsync(folder.Cache);
        var clip = Clips.Make("a");
        await Assert.ThrowsAsync<ArgumentException>(() => writer.AppendAsync(clip with { NumFrames = 6 }, Ct));
        await Assert.ThrowsAsync<ArgumentException>(() => writer.AppendAsync(clip with { MelFrames = 6 }, Ct));
        await Assert.ThrowsAsync<ArgumentException>(() => writer.AppendAsync(clip with { Pcm = new byte[8] }, Ct));
        await Assert.ThrowsAsync<ArgumentException>(() => writer.AppendAsync(clip with { FrameOffsets = new uint[6] }, Ct));
    }

    [Fact]
    public async Task Append_BufferReusedAfterwards_KeepsWhatWasGiven()
    {
        using TempFolder folder = new();
        var clip = Clips.Make("a");
        var frames = clip.Frames.ToArray();
        await using (var writer = await Clips.OpenAsync(folder.Cache))
        {
            await writer.AppendAsync(clip with { Frames = frames }, Ct);
            Array.Clear(frames);
            await writer.SettleAsync(Clips.Committed("a"), Ct);
            await writer.CommitAsync(Ct);
        }

        Clips.AssertSame(clip, Cache.Open(folder.Cache));
    }

    [Fact]
    public async Task Commit_Nothing_MakesNoNewVersion()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        await using var writer = await Clips.OpenAsync(folder.Cache);
        await writer.AppendAsync(Clips.Make("b"), Ct);
        Assert.Equal(1, (await writer.CommitAsync(Ct)).Version);
        Assert.Equal(1, Cache.Open(folder.Cache).Manifest.Version);
    }

    [Fact]
    public async Task Settle_FullShards_AreCommittedOnTheWay()
    {
        using TempFolder folder = new();
        await using var writer = await Clips.OpenAsync(folder.Cache, new CacheWriterOptions { ShardRows = 2 });
        await writer.AddAsync([.. Enumerable.Range(0, 5).Select(i => Clips.Make($"{i}"))]);
        Assert.Equal(4, Cache.Open(folder.Cache).Manifest.Clips);
    }

    [Fact]
    public async Task Settle_ByteTargetReached_SealsTheShard()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [.. Enumerable.Range(0, 6).Select(i => Clips.Make($"{i}"))];
        var manifest = await Clips.WriteAsync(folder.Cache, clips, new CacheWriterOptions { ShardBytes = 2 * clips[0].Frames.Length });
        Assert.Equal([2, 2, 2], manifest.Shards.Select(s => s.Rows));
    }

    [Fact]
    public async Task Dispose_WithoutCommit_LeavesNothingBehind()
    {
        using TempFolder folder = new();
        await using (var writer = await Clips.OpenAsync(folder.Cache))
        {
            await writer.AddAsync(Clips.Make("a"));
        }

        Assert.Empty(Directory.GetFiles(folder.In("shards")));
        Assert.Empty(Directory.GetFiles(folder.In("manifest")));
    }

    [Fact]
    public async Task Commit_FullDisk_IsAFailureThatNamesTheCache()
    {
        using TempFolder folder = new();
        SimulatedDisk disk = new() { StopBefore = 8 };
        var e = await Assert.ThrowsAsync<FailureException>(async () =>
        {
            await using var writer = await CacheWriter.OpenAsync(folder.Cache, Clips.Fingerprint, new CacheWriterOptions(), TimeProvider.System, disk, Ct);
            await writer.AddAsync(Clips.Make("a"));
            await writer.CommitAsync(Ct);
        });
        Assert.Contains(folder.Cache, e.Message, StringComparison.Ordinal);
        Assert.Contains("what was committed is safe", e.Message, StringComparison.Ordinal);
    }
}
