namespace Xkd.Storage;

/// <summary>One writer per part: the lock ends with its process, so a dead writer's leftovers can be told from a live one's work.</summary>
internal static class PartLock
{
    private const int Looks = 20;

    /// <exception cref="UsageException">Another writer holds it.</exception>
    public static async Task<IPartLock> AcquireAsync(ICacheStore store, string part, TimeProvider time, CancellationToken ct)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (store.TryLock(part) is { } held)
            {
                return held;
            }

            if (time.GetElapsedTime(began) >= store.LockPatience)
            {
                throw new UsageException(store.Refusal(part));
            }

            // A lock that is held for this moment is not yet a second writer.
            await Task.Delay(store.LockPatience / Looks, time, ct);
        }
    }
}
