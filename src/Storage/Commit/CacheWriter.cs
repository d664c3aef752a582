namespace Xkd.Storage;
public sealed class CacheWriter : IAsyncDisposable
{
    public static Task<CacheWriter> OpenAsync(string cache, Fingerprint fingerprint, CacheWriterOptions options, TimeProvider time, CancellationToken ct) => throw new NotSupportedException();
    public IReadOnlyDictionary<string, LedgerEntry> Ledger => throw new NotSupportedException();
    public Task AppendAsync(ClipRecord clip, CancellationToken ct) => throw new NotSupportedException();
    public Task SettleAsync(LedgerEntry entry, CancellationToken ct) => throw new NotSupportedException();
    public Task<Manifest> CommitAsync(CancellationToken ct) => throw new NotSupportedException();
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
