namespace Xkd.Storage.Tests;

/// <summary>An object store that puts conditionally, page by page.</summary>
public sealed class ObjectStoreTests : StoreTests, IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ObjectServer _server = new() { PageSize = 3 };

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    private protected override ICacheStore Open() => ObjectCaches.Open(_server.Endpoint, _folder);
}
