namespace Xkd.Storage.Tests;

/// <summary>Several processes commit to one cache as fast as they can.</summary>
public sealed class RacingProcessesTests : IDisposable
{
    private const int Racers = 4;
    private const int Commits = 5;

    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Commit_ProcessesOnOneFolder_LoseNothing()
    {
        var errors = await Racer.RaceAsync(_folder.Cache, Racers, Commits, new Dictionary<string, string>(StringComparer.Ordinal), Ct);
        Assert.True(errors.Length == 0, string.Join('\n', errors));
        using var store = CacheStores.Open(_folder.Cache);
        RequireAll(store);
    }

    [Fact]
    public async Task Commit_ProcessesOnOneBucket_LoseNothing()
    {
        using ObjectServer server = new();
        Dictionary<string, string> environment = new(StringComparer.Ordinal)
        {
            ["AWS_ENDPOINT_URL_S3"] = server.Endpoint,
            ["AWS_ACCESS_KEY_ID"] = "test",
            ["AWS_SECRET_ACCESS_KEY"] = "test",
            [ObjectStoreOptions.FolderVariable] = _folder.In("xkd"),
        };
        var errors = await Racer.RaceAsync(ObjectCaches.Cache, Racers, Commits, environment, Ct);
        Assert.True(errors.Length == 0, string.Join('\n', errors));
        using var store = ObjectCaches.Open(server.Endpoint, _folder);
        RequireAll(store);
    }

    private static void RequireAll(ICacheStore store)
    {
        var cache = Cache.Open(store);
        Assert.Equal((Racers * Commits, Racers * Commits), (cache.Manifest.Version, cache.Clips.Count));
        Assert.Equal(Racers * Commits, cache.ReadLedger().Count);
        Assert.Empty(CacheVerifier.Verify(store, ct: Ct).Errors);
    }
}
