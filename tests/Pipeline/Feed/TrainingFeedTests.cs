using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class TrainingFeedTests
{
    private const int Clips = 43; // five steps an epoch and three clips dropped

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task ReadAsync_RestoredAtEveryStep_RepeatsTheRestBitForBit(int workers)
    {
        const int steps = 12;
        var reference = await FeedDigest.ReadAsync(new FakeClips(Clips), FakeClips.Options with { Workers = 1, Readers = 1 }, 0, steps);
        Assert.Equal(Enumerable.Range(0, steps).Select(i => (long)i), reference.Select(d => d.Step));
        Assert.Equal(steps, reference.Select(d => d.Values).Distinct().Count());
        for (var first = 0; first < steps; first++)
        {
            Assert.Equal(reference.Skip(first), await FeedDigest.ReadAsync(new FakeClips(Clips), FakeClips.Options with { Workers = workers, Readers = workers }, first, steps));
        }
    }

    [Fact]
    public async Task ReadAsync_AnotherSeed_IsAnotherRun() => Assert.NotEqual(
        await FeedDigest.ReadAsync(new FakeClips(Clips), FakeClips.Options, 0, 2),
        await FeedDigest.ReadAsync(new FakeClips(Clips), FakeClips.Options with { Seed = 6 }, 0, 2));

    [Fact]
    public async Task ReadAsync_OneEpoch_SeesEachClipAtMostOnceAndDropsTheRemainder()
    {
        var epoch = await FeedDigest.ReadAsync(new FakeClips(Clips), FakeClips.Options, 5, 10);
        string[] seen = [.. epoch.SelectMany(d => d.Clips.Split(','))];
        Assert.Equal(40, seen.Length);
        Assert.Equal(40, seen.Distinct().Count());
        Assert.All(epoch, d => Assert.Equal(1, d.Epoch));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(2)]
    public async Task ReadAsync_AnyNumberOfRanks_IsTheSameGlobalBatchInTheSameOrder(int ranks)
    {
        var whole = await GlobalBatchesAsync(1);
        Assert.Equal(whole, await GlobalBatchesAsync(ranks));
    }

    [Fact]
    public async Task ReadAsync_Views_HaveTheirShapesAndNoiseItsRange()
    {
        await using ClipFeed feed = new(new FakeClips(Clips), FakeClips.Options);
        await foreach (var batch in feed.ReadAsync(0, 1, cancellationToken: Token))
        {
            Assert.Equal([[8, 3, 6, 12, 12], [8, 3, 3, 8, 8], [8, 3, 3, 8, 8]], batch.Levels.Select(v => v.Shape));
            Assert.Equal([[8, 1, 8, 20], [8, 1, 8, 7]], batch.Audio.Select(v => v.Shape));
            Assert.Equal((72, 40), (batch.VideoNoise.Length, batch.AudioNoise.Length));
            Assert.All(batch.VideoNoise.Concat(batch.AudioNoise), v => Assert.InRange(v, 0f, 0.99999994f));
            Assert.Equal(72, batch.VideoNoise.Distinct().Count());
            batch.Dispose();
        }
    }

    [Theory]
    [InlineData(Modalities.Video)]
    [InlineData(Modalities.Audio)]
    public async Task ReadAsync_OneModality_DeliversOnlyThat(Modalities modality)
    {
        FakeClips clips = new(Clips, frames: modality == Modalities.Audio ? _ => 0 : null, melFrames: modality == Modalities.Video ? _ => 0 : null);
        await using ClipFeed feed = new(clips, FakeClips.Options with { Modalities = modality });
        await foreach (var batch in feed.ReadAsync(0, 1, cancellationToken: Token))
        {
            Assert.Equal(modality == Modalities.Video, batch.Levels.Count > 0);
            Assert.Equal(modality == Modalities.Audio, batch.Audio.Count > 0);
            batch.Dispose();
        }
    }

    [Fact]
    public async Task ReadAsync_TightBudget_NeverExceedsIt()
    {
        var options = FakeClips.Options;
        var batch = BatchBuffers.BytesOf(options, 8) + (8 * 8_000);
        await using ClipFeed feed = new(new FakeClips(Clips), options with { MemoryBudget = batch * 2 });
        List<HostBatch> held = [];
        await foreach (var next in feed.ReadAsync(0, 15, cancellationToken: Token))
        {
            held.Add(next);
            if (held.Count == 2)
            {
                held[0].Dispose();
                held.RemoveAt(0);
            }
        }

        held.ForEach(b => b.Dispose());
        Assert.InRange(feed.Report().PeakBytes, 1, batch * 2);
    }

    [Fact]
    public async Task ReadAsync_BatchLargerThanTheBudget_PassesAlone()
    {
        var digests = await FeedDigest.ReadAsync(new FakeClips(Clips), FakeClips.Options with { MemoryBudget = 1000 }, 0, 6);
        Assert.Equal(await FeedDigest.ReadAsync(new FakeClips(Clips), FakeClips.Options, 0, 6), digests);
    }

    [Fact]
    public async Task ReadAsync_DisposedBatches_AreReused()
    {
        const int Most = 10; // at once, by the budget, which every batch passes before it has buffers
        var options = FakeClips.Options;
        await using ClipFeed feed = new(new FakeClips(Clips), options with { MemoryBudget = Most * BatchBuffers.BytesOf(options, options.BatchSize) });
        HashSet<byte[]> buffers = new(ReferenceEqualityComparer.Instance);
        await foreach (var batch in feed.ReadAsync(0, 60, cancellationToken: Token))
        {
            buffers.Add(batch.Levels[0].Data);
            batch.Dispose();
            batch.Dispose(); // harmless
        }

        Assert.InRange(buffers.Count, 1, Most);
    }

    [Fact]
    public async Task ReadAsync_ConsumerLeaves_ReturnsEveryByte()
    {
        await using ClipFeed feed = new(new FakeClips(Clips), FakeClips.Options);
        await foreach (var batch in feed.ReadAsync(3, Token))
        {
            batch.Dispose();
            break;
        }

        Assert.Equal(0, feed.BytesInFlight);
    }

    [Fact]
    public async Task ReadAsync_DamagedRow_EndsTheRunByDefaultAndReturnsEveryByte()
    {
        await using ClipFeed feed = new(new FakeClips(Clips, corrupt: [12]), FakeClips.Options);
        var error = await Assert.ThrowsAsync<CorruptCacheException>(async () =>
        {
            await foreach (var batch in feed.ReadAsync(0, 10, cancellationToken: Token))
            {
                batch.Dispose();
            }
        });
        Assert.Equal(12, error.Row);
        Assert.Equal(0, feed.BytesInFlight);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task ReadAsync_SkipPolicy_FillsFromTheTailTheSameForAnyWorkers(int workers)
    {
        var options = FakeClips.Options with { CorruptRows = CorruptRowPolicy.Skip, Workers = workers, Readers = workers };
        int[] damaged = [.. Enumerable.Range(0, 2).Select(i => (int)new GlobalOrder(Clips, options.Seed).ClipAt(0, (i * 13) + 4))];
        FakeClips clips = new(Clips, corrupt: damaged);
        var epoch = await FeedDigest.ReadAsync(clips, options, 0, 5);
        string[] seen = [.. epoch.SelectMany(d => d.Clips.Split(','))];
        Assert.Equal(40, seen.Distinct().Count());
        Assert.DoesNotContain(clips.Clips[damaged[0]].Id, seen);
        Assert.DoesNotContain(clips.Clips[damaged[1]].Id, seen);
        Assert.Equal(await FeedDigest.ReadAsync(clips, options with { Workers = 1, Readers = 1 }, 0, 5), epoch);
    }

    [Fact]
    public async Task ReadAsync_SkipPolicyResumedWithTheTailUsed_RepeatsTheRest()
    {
        var options = FakeClips.Options with { CorruptRows = CorruptRowPolicy.Skip };
        FakeClips clips = new(Clips, corrupt: [.. Enumerable.Range(0, 3).Select(i => (int)new GlobalOrder(Clips, options.Seed).ClipAt(0, i * 13))]);
        await using ClipFeed feed = new(clips, options);
        List<(FeedDigest Digest, IReadOnlyList<int> Tail, IReadOnlyList<DamagedRow> Damaged)> all = [];
        await foreach (var batch in feed.ReadAsync(0, 9, cancellationToken: Token))
        {
            all.Add((FeedDigest.Of(batch), batch.TailUsed, batch.Damaged));
            batch.Dispose();
        }

        var first = Assert.Single(all[0].Damaged);
        Assert.Equal(clips.Clips[(int)new GlobalOrder(Clips, options.Seed).ClipAt(0, 0)].Id, first.ClipId);
        Assert.Contains("shards/0.parquet", first.Detail, StringComparison.Ordinal);
        Assert.All(all.Where(a => a.Digest.Step is 3 or 4), a => Assert.Equal([0, 1, 2], a.Tail));
        for (var step = 1; step < 5; step++)
        {
            Assert.Equal(all.Skip(step).Select(a => a.Digest), await FeedDigest.ReadAsync(clips, options, step, 9, all[step - 1].Tail));
        }
    }

    [Fact]
    public async Task ReadAsync_SkipPolicyWithMoreDamageThanTail_EndsTheRun()
    {
        var options = FakeClips.Options with { CorruptRows = CorruptRowPolicy.Skip };
        var error = await Assert.ThrowsAsync<FailureException>(() => FeedDigest.ReadAsync(new FakeClips(Clips, corrupt: Enumerable.Range(0, 20)), options, 0, 10));
        Assert.Contains("xkd verify", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_CacheOfAnotherRateAndSize_NamesBothAndTheIngestCommand()
    {
        var error = Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(Clips), FakeClips.Options with { Fps = 4, FrameSize = 224 }));
        Assert.Contains("fps is 8, not 4", error.Message, StringComparison.Ordinal);
        Assert.Contains("short_side is 16", error.Message, StringComparison.Ordinal);
        Assert.Contains("xkd ingest --dataset DATASET --root DIR --out NEW_CACHE --modalities av --fps 4 --short-side 224", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_SmallerDataSetThanABatch_IsAUsageError() =>
        Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(7), FakeClips.Options));

    [Fact]
    public void Constructor_ClipsWithoutAudio_NamesTheFirst()
    {
        var error = Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(Clips, melFrames: i => i == 9 ? 0 : 60), FakeClips.Options));
        Assert.Contains("1 clips without audio, the first is clip0009", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("order")]
    [InlineData("read")]
    [InlineData("augment")]
    public async Task Report_DelayedStage_IsNamed(string stage)
    {
        PipelineGraphOptions diagnostics = new() { StageDelays = new Dictionary<string, TimeSpan>(StringComparer.Ordinal) { [stage] = TimeSpan.FromMilliseconds(50) } };
        await using ClipFeed feed = new(new FakeClips(Clips), FakeClips.Options with { Diagnostics = diagnostics });
        await foreach (var batch in feed.ReadAsync(0, 3, cancellationToken: Token))
        {
            batch.Dispose();
        }

        Assert.Equal(stage, feed.Report().Bottleneck);
    }

    [Fact]
    public async Task DisposeAsync_Feed_DisposesItsSource()
    {
        FakeClips clips = new(Clips);
        await new ClipFeed(clips, FakeClips.Options).DisposeAsync();
        Assert.True(clips.Disposed);
    }

    private static async Task<byte[][]> GlobalBatchesAsync(int ranks)
    {
        List<byte>[] steps = [.. Enumerable.Range(0, 7).Select(_ => new List<byte>())];
        for (var rank = 0; rank < ranks; rank++)
        {
            await using ClipFeed feed = new(new FakeClips(Clips), FakeClips.Options with { Ranks = ranks, Rank = rank });
            await foreach (var batch in feed.ReadAsync(0, 7, cancellationToken: Token))
            {
                Assert.Equal(8 / ranks, batch.Size);
                steps[batch.Step].AddRange(batch.Levels[0].Data.AsSpan(0, batch.Levels[0].Length));
                batch.Dispose();
            }
        }

        return [.. steps.Select(s => s.ToArray())];
    }
}
