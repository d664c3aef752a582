namespace Xkd.Storage;

/// <summary>One writer per part: the lock ends with its process, so a dead writer's leftovers can be told from a live one's work.</summary>
internal static class PartLock
{
    private const int Tries = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <exception cref="UsageException">Another writer holds it.</exception>
    public static async Task<IDisposable> AcquireAsync(CacheLayout layout, IFileSystem files, string part, TimeProvider time, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            if (files.TryLock(layout.Lock(part)) is { } held)
            {
                return held;
            }

            if (attempt == Tries)
            {
                throw new UsageException($"part {part} of cache {layout.Root} is being written by another process: wait for it, or give this one another part");
            }

            // A writer that clears up after a dead one holds that one's lock for a moment; this is not yet a second writer.
            await Task.Delay(Pause, time, ct);
        }
    }
}
