namespace Xkd.Storage.Tests;

public sealed class LocalStoreTests : StoreTests, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private protected override ICacheStore Open() => CacheStores.Open(_folder.Cache);
}
