namespace Xkd.Storage;

/// <summary>One writer per part: the lock ends with its process, so a dead writer's leftovers can be told from a live one's work.</summary>
internal static class PartLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <exception cref="UsageException">Another writer holds it.</exception>
    public static async Task<IPartLock> AcquireAsync(ICacheStore store, string part, TimeProvider time, CancellationToken ct)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            if (store.TryLock(part) is { } held)
            {
                return held;
            }

            if (time.GetElapsedTime(began) >= store.LockPatience)
            {
                throw new UsageException($"part {part} of cache {store.Location} is being written by another process: wait for it, or give this one another part");
            }

            // A lock that is held for this moment is not yet a second writer.
            await Task.Delay(Pause, time, ct);
        }
    }
}
