namespace Xkd.Storage.Tests;

/// <summary>What a service may do wrong: passed over when it passes, named when it stays.</summary>
public sealed class ObjectFaultTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ObjectServer _server = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Passing => [.. new[] { ServerFault.InternalError, ServerFault.SlowDown, ServerFault.Cut, ServerFault.DamagedOnArrival }.Select(f => f.ToString())];

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task Commit_EveryCallFailsTheFirstTwoTimes_GivesTheSameCache(string name)
    {
        var fault = Enum.Parse<ServerFault>(name);
        Dictionary<string, int> met = new(StringComparer.Ordinal);
        _server.Faults = (method, key) =>
        {
            lock (met)
            {
                var times = met[method + key] = met.GetValueOrDefault(method + key) + 1;
                return times <= 2 ? fault : ServerFault.None;
            }
        };
        ClipRecord[] clips = [.. Enumerable.Range(0, 6).Select(i => Clips.Make($"c{i}"))];
        await WriteAsync(clips);

        using var store = Open();
        var cache = Cache.Open(store);
        Assert.Equal(1, cache.Manifest.Version);
        Assert.All(clips, clip => Clips.AssertSame(clip, cache));
        Assert.True(CacheVerifier.Verify(store, ct: Ct).Ok);
        Assert.Single(_server.Objects.Keys, k => k.StartsWith("caches/one/manifest/", StringComparison.Ordinal));
        Assert.Contains(met.Values, times => times > 2);
    }

    [Fact]
    public void TryPut_AnswerLostAfterItTookEffect_IsKnownAsOurOwn()
    {
        using var store = Open();
        var puts = 0;
        _server.Faults = (method, _) => method == "PUT" && Interlocked.Increment(ref puts) == 1 ? ServerFault.Cut : ServerFault.None;
        Assert.True(store.TryPut("manifest/000001.json", "mine"u8.ToArray(), "a"));
        Assert.Equal(2, puts);
        puts = 0;
        Assert.False(store.TryPut("manifest/000001.json", "another's"u8.ToArray(), "b"));
    }

    [Fact]
    public void TryPut_FaultThatOutlastsTheLease_IsGivenUpBeforeAnotherMayTakeOver()
    {
        var patient = ObjectCaches.Options(_server.Endpoint, _folder) with { Retries = 1000, RetryDelay = TimeSpan.FromMilliseconds(100), Lease = TimeSpan.FromSeconds(2) };
        using ObjectStore store = new(ObjectCaches.Cache, patient, TimeProvider.System);
        _server.Faults = (method, _) => method == "PUT" ? ServerFault.InternalError : ServerFault.None;
        var e = Assert.Throws<FailureException>(() => store.TryPut("manifest/000001.json", "late"u8.ToArray(), "a"));
        Assert.Contains("manifest/000001.json within 2 s", e.Message, StringComparison.Ordinal);
        Assert.Empty(_server.Objects);
    }

    [Theory]
    [InlineData(nameof(ServerFault.InternalError), "InternalError", "(5 tries)")]
    [InlineData(nameof(ServerFault.SlowDown), "SlowDown", "(5 tries)")]
    [InlineData(nameof(ServerFault.Cut), "", "(5 tries)")]
    public void Read_FaultThatStays_IsNamedWithObjectAndTries(string fault, string code, string tries)
    {
        using var store = Open();
        store.TryPut("manifest/000001.json", "content"u8.ToArray(), "a");
        _server.Faults = (_, _) => Enum.Parse<ServerFault>(fault);
        using var bytes = store.OpenShards(new Manifest { Version = 1, Created = "", Fingerprint = Clips.Fingerprint, Shards = [new ShardEntry { Path = "manifest/000001.json", Rows = 1, Bytes = 7, Sha256 = "" }] });
        var e = Assert.Throws<FailureException>(() => bytes.Read(0, 0, new byte[7]));
        Assert.Contains("s3://xkd/caches/one/manifest/000001.json", e.Message, StringComparison.Ordinal);
        Assert.Contains(code, e.Message, StringComparison.Ordinal);
        Assert.Contains(tries, e.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_ENDPOINT_URL_S3", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AccessDenied_IsAUsageErrorAtOnce()
    {
        using var store = Open();
        _server.Faults = (_, _) => ServerFault.Denied;
        var before = _server.Requests.Count;
        Assert.Contains("AWS_ACCESS_KEY_ID", Assert.Throws<UsageException>(() => store.List("manifest/")).Message, StringComparison.Ordinal);
        Assert.Equal(1, _server.Requests.Count - before);
    }

    [Fact]
    public async Task Commit_ServiceGoesAwayInTheMiddle_LeavesTheVersionBeforeAndNoUpload()
    {
        await WriteAsync([Clips.Make("a")]);
        await using (var writer = await OpenAsync())
        {
            await writer.AddAsync([.. Enumerable.Range(0, 3).Select(i => Clips.Make($"large {i}", frames: 40, height: 60, width: 40))]);
            var parts = 0;
            _server.Faults = (method, key) => method == "PUT" && key.Contains("shards/", StringComparison.Ordinal) && Interlocked.Increment(ref parts) > 1 ? ServerFault.InternalError : ServerFault.None;
            await Assert.ThrowsAsync<FailureException>(() => writer.CommitAsync(Ct));
        }

        Assert.Equal(0, _server.OpenUploads);
        _server.Faults = (_, _) => ServerFault.None;
        using var store = Open();
        Assert.Equal(["a"], Cache.Open(store).Clips.Select(c => c.Id));
    }

    [Fact]
    public async Task Verify_ByteChangedInTheStore_NamesShardRowAndColumn()
    {
        await WriteAsync([.. Enumerable.Range(0, 4).Select(i => Clips.Make($"c{i}"))]);
        using var store = Open();
        var cache = Cache.Open(store);
        var clip = cache.Clips[2];
        _server.Objects["caches/one/" + cache.Manifest.Shards[0].Path][clip.FramesOffset + 10] ^= 4;
        var error = Assert.Single(CacheVerifier.Verify(store, ct: Ct).Errors);
        Assert.Equal((clip.Row, "frames"), (error.Row, error.Column));
        var e = Assert.Throws<CorruptCacheException>(() => Clips.AssertSame(Clips.Make("c2"), cache));
        Assert.Equal((clip.Row, "frames"), (e.Row, e.Column));
        Clips.AssertSame(Clips.Make("c1"), cache);
    }

    [Fact]
    public async Task ReadFrames_AnswerDamagedOnItsWayOnce_IsReadAgain()
    {
        await WriteAsync([Clips.Make("a")]);
        using var store = Open();
        var cache = Cache.Open(store);
        Assert.Single(cache.Clips);
        var damaged = 0;
        _server.Faults = (method, key) => method == "GET" && key.Contains("shards/", StringComparison.Ordinal) && Interlocked.Increment(ref damaged) == 2 ? ServerFault.WrongByte : ServerFault.None;
        Clips.AssertSame(Clips.Make("a"), cache);
        Assert.True(damaged > 2);
    }

    [Fact]
    public async Task Open_ServiceThatIgnoresIfNoneMatch_TakesOneWriterAtATime()
    {
        using ObjectServer careless = new() { Conditional = false };
        ManualTime time = new();
        await using var one = await CacheWriter.OpenAsync(ObjectCaches.Open(careless.Endpoint, _folder), Clips.Fingerprint, new CacheWriterOptions { Part = "1" }, TimeProvider.System, Ct);
        using var two = ObjectCaches.Open(careless.Endpoint, _folder, time);
        two.Prepare();
        Assert.Null(two.TryLock("2"));
        await one.AddAsync(Clips.Make("a"));
        await one.CommitAsync(Ct);
        Assert.Contains("does not put conditionally", two.Refusal("2"), StringComparison.Ordinal);
    }

    private async Task WriteAsync(ClipRecord[] clips)
    {
        await using var writer = await OpenAsync();
        await writer.AddAsync(clips);
        await writer.CommitAsync(Ct);
    }

    private Task<CacheWriter> OpenAsync() => CacheWriter.OpenAsync(Open(), Clips.Fingerprint, new CacheWriterOptions(), TimeProvider.System, Ct);

    private ObjectStore Open() => ObjectCaches.Open(_server.Endpoint, _folder);
}
