namespace Xkd.Storage.Tests;

public sealed class PartLeaseTests : IDisposable
{
    private static readonly TimeSpan Lease = new ObjectStoreOptions { Folder = "" }.Lease;

    private readonly TempFolder _folder = new();
    private readonly ObjectServer _server = new();
    private readonly ManualTime _time = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void TryLock_HolderThatBeats_IsNeverGone()
    {
        using ObjectStore one = Open(), two = Open();
        using var held = one.TryLock("p")!;
        for (var i = 0; i < 10; i++)
        {
            Assert.Null(two.TryLock("p"));
            _time.Advance(Lease / 2);
        }

        held.Require();
    }

    [Fact]
    public void TryLock_HolderThatDied_IsTakenOverAfterALeaseAndNotBefore()
    {
        // Its clock stands still: no beat will come of it.
        using ObjectStore dead = ObjectCaches.Open(_server.Endpoint, _folder, new ManualTime()), next = Open();
        using var lost = dead.TryLock("p")!;
        Assert.Null(next.TryLock("p"));
        _time.Advance(Lease - TimeSpan.FromSeconds(1));
        Assert.Null(next.TryLock("p"));
        _time.Advance(TimeSpan.FromSeconds(1));
        using var taken = next.TryLock("p")!;
        taken.Require();
        Assert.Contains("taken over", Assert.Throws<FailureException>(lost.Require).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryLock_ManyWhoSawADeadHolder_OneGetsIt()
    {
        using var dead = ObjectCaches.Open(_server.Endpoint, _folder, new ManualTime());
        using var lost = dead.TryLock("p")!;
        ObjectStore[] waiting = [.. Enumerable.Range(0, 8).Select(_ => Open())];
        Assert.All(waiting, store => Assert.Null(store.TryLock("p")));
        _time.Advance(Lease);
        var got = new IPartLock?[waiting.Length];
        Parallel.For(0, waiting.Length, i => got[i] = waiting[i].TryLock("p"));
        Assert.Single(got, l => l is not null);
        Array.ForEach(got, l => l?.Dispose());
        Array.ForEach(waiting, store => store.Dispose());
    }

    [Fact]
    public void TryLock_ReleasedPart_IsFreeAtOnce()
    {
        using ObjectStore one = Open(), two = Open();
        one.TryLock("p")!.Dispose();
        using var held = two.TryLock("p");
        Assert.NotNull(held);
        Assert.Single(_server.Objects.Keys, k => k.Contains("locks/p.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Commit_WriterThatWasTakenForDead_ChangesNothing()
    {
        await using var slow = await CacheWriter.OpenAsync(ObjectCaches.Open(_server.Endpoint, _folder, new ManualTime()), Clips.Fingerprint, new CacheWriterOptions(), _time, Ct);
        await slow.AddAsync(Clips.Make("a"), Clips.Make("only the slow one's"));
        _time.EachLook = TimeSpan.FromSeconds(10);
        await using (var quick = await CacheWriter.OpenAsync(Open(), Clips.Fingerprint, new CacheWriterOptions(), new QuickTime(_time), Ct))
        {
            await quick.AddAsync(Clips.Make("a"));
            await quick.CommitAsync(Ct);
        }

        var e = await Assert.ThrowsAsync<FailureException>(() => slow.CommitAsync(Ct));
        Assert.Contains("taken over", e.Message, StringComparison.Ordinal);
        using var store = Open();
        Assert.Equal(["a"], Cache.Open(store).Clips.Select(c => c.Id));
        Assert.True(CacheVerifier.Verify(store, ct: Ct).Ok);
    }

    [Fact]
    public async Task Commit_WhoseManifestIsOnItsWayWhenAnotherTakesOver_ComesTooLate()
    {
        await using var slow = await CacheWriter.OpenAsync(ObjectCaches.Open(_server.Endpoint, _folder, new ManualTime()), Clips.Fingerprint, new CacheWriterOptions(), _time, Ct);
        await slow.AddAsync(Clips.Make("a"), Clips.Make("only the slow one's"));
        using ManualResetEventSlim arrived = new(), onward = new();
        HoldFirstManifest(arrived, onward);
        var late = Task.Run(() => slow.CommitAsync(Ct), Ct);
        arrived.Wait(Ct);
        _time.EachLook = TimeSpan.FromSeconds(10);
        await using (var quick = await CacheWriter.OpenAsync(Open(), Clips.Fingerprint, new CacheWriterOptions(), new QuickTime(_time), Ct))
        {
            onward.Set();
            Assert.Contains("another process", (await Assert.ThrowsAsync<FailureException>(() => late)).Message, StringComparison.Ordinal);
            await quick.AddAsync(Clips.Make("a"));
            await quick.CommitAsync(Ct);
        }

        using var store = Open();
        Assert.Equal(["a"], Cache.Open(store).Clips.Select(c => c.Id));
        Assert.Empty(CacheVerifier.Verify(store, ct: Ct).Errors);
    }

    /// <summary>A writer of another part clears up after one that seems dead, and removes the shards of a manifest that is still on its way.</summary>
    [Fact]
    public async Task Commit_WhoseManifestIsOnItsWayWhenAnotherPartClearsUp_ComesTooLate()
    {
        await using var slow = await CacheWriter.OpenAsync(
            ObjectCaches.Open(_server.Endpoint, _folder, new ManualTime()), Clips.Fingerprint, new CacheWriterOptions { Part = "p" }, _time, Ct);
        await slow.AddAsync(Clips.Make("a"));
        using ManualResetEventSlim arrived = new(), onward = new();
        HoldFirstManifest(arrived, onward);
        var late = Task.Run(() => slow.CommitAsync(Ct), Ct);
        arrived.Wait(Ct);
        await using (var other = await CacheWriter.OpenAsync(Open(), Clips.Fingerprint, new CacheWriterOptions { Part = "q" }, _time, Ct))
        {
            _time.Advance(Lease); // it has seen p unchanged when it opened, and sees it so again when it leaves
        }

        Assert.DoesNotContain(_server.Objects.Keys, key => key.Contains("/shards/", StringComparison.Ordinal));
        onward.Set();
        Assert.Contains("taken over", (await Assert.ThrowsAsync<FailureException>(() => late)).Message, StringComparison.Ordinal);
        using var store = Open();
        Assert.Empty(Cache.Open(store).Clips);
        Assert.Empty(CacheVerifier.Verify(store, ct: Ct).Errors);
    }

    [Fact]
    public async Task Dispose_WriterThatWasTakenForDead_LeavesTheNextOnesShards()
    {
        CacheWriterOptions small = new() { ShardRows = 1 };
        await using (var first = await CacheWriter.OpenAsync(Open(), Clips.Fingerprint, small, _time, Ct))
        {
            await first.AddAsync([.. Enumerable.Range(0, 64).Select(i => Clips.Make($"before-{i}", frames: 1))]);
            await first.CommitAsync(Ct);
        }

        var slow = await CacheWriter.OpenAsync(ObjectCaches.Open(_server.Endpoint, _folder, new ManualTime()), Clips.Fingerprint, small, _time, Ct);
        _time.EachLook = TimeSpan.FromSeconds(10);
        await using (var quick = await CacheWriter.OpenAsync(Open(), Clips.Fingerprint, small, new QuickTime(_time), Ct))
        {
            await quick.AddAsync(Clips.Make("sealed", frames: 1));
            Assert.Equal(65, quick.Head!.Clips);
            await slow.DisposeAsync();
            await quick.CommitAsync(Ct);
        }

        using var store = Open();
        Assert.Equal(65, Cache.Open(store).Clips.Count);
        Assert.Empty(CacheVerifier.Verify(store, ct: Ct).Errors);
    }

    private void HoldFirstManifest(ManualResetEventSlim arrived, ManualResetEventSlim onward) => _server.Faults = (method, key) =>
    {
        if (method == "PUT" && key.Contains("/manifest/", StringComparison.Ordinal) && !arrived.IsSet)
        {
            arrived.Set();
            onward.Wait(Ct);
        }

        return ServerFault.None;
    };

    private ObjectStore Open() => ObjectCaches.Open(_server.Endpoint, _folder, _time);

    /// <summary>Another clock's time, without its pauses: waits end at once.</summary>
    private sealed class QuickTime(ManualTime inner) : TimeProvider
    {
        public override long TimestampFrequency => inner.TimestampFrequency;

        public override long GetTimestamp() => inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => TimeProvider.System.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), period);
    }
}
