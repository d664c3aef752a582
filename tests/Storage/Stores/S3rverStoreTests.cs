namespace Xkd.Storage.Tests;

/// <summary>The independent server, which does not put conditionally.</summary>
public sealed class S3rverStoreTests : StoreTests, IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private S3rver? _server;

    protected override bool TakesSeveralWriters => false;

    public async ValueTask InitializeAsync() => _server = await S3rver.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await (_server?.DisposeAsync() ?? ValueTask.CompletedTask);
        _folder.Dispose();
    }

    private protected override ICacheStore Open() => ObjectCaches.Open(_server!.Endpoint, _folder);
}
