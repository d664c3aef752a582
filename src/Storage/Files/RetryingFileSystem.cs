using Polly;
using Polly.Retry;

namespace Xkd.Storage;

/// <summary>
/// Tries again what may pass by itself, for a second or so; every other error goes through at once. A call may have taken effect although it failed,
/// so the calls that give names look whether theirs is there already.
/// </summary>
internal sealed class RetryingFileSystem(IFileSystem inner, TimeProvider time) : IFileSystem
{
    private const int BufferBytes = 1 << 16;

    private readonly ResiliencePipeline _retry = new ResiliencePipelineBuilder { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = static attempt => ValueTask.FromResult(attempt.Outcome.Exception is { } error && TransientErrors.Has(error)),
            MaxRetryAttempts = 6,
            Delay = TimeSpan.FromMilliseconds(20),
            BackoffType = DelayBackoffType.Exponential,
        })
        .Build();

    public void CreateDirectory(string path) => _retry.Execute(() => inner.CreateDirectory(path));

    public Stream CreateNew(string path) => Writing(_retry.Execute(() => inner.CreateNew(path)));

    public void SyncFile(string path) => _retry.Execute(() => inner.SyncFile(path));

    public void SyncDirectory(string path) => _retry.Execute(() => inner.SyncDirectory(path));

    public void Rename(string from, string to)
    {
        var again = false;
        _retry.Execute(() =>
        {
            if (!again || File.Exists(from) || !File.Exists(to))
            {
                again = true;
                inner.Rename(from, to);
            }
        });
    }

    public bool TryLink(string existing, string name)
    {
        var again = false;
        return _retry.Execute(() =>
        {
            if (again && File.Exists(name) && (!File.Exists(existing) || File.ReadAllBytes(existing).AsSpan().SequenceEqual(File.ReadAllBytes(name))))
            {
                inner.Delete(existing);
                return true;
            }

            again = true;
            return inner.TryLink(existing, name);
        });
    }

    public void Delete(string path) => _retry.Execute(() => inner.Delete(path));

    public IDisposable? TryLock(string path) => _retry.Execute(() => inner.TryLock(path));

    // The buffer lies outside the retries: a write that failed half-way is repeated from its own first byte, at its own place in the file.
    private BufferedStream Writing(Stream file) => new(new RetryingStream(file, _retry), BufferBytes);
}
