namespace Xkd.Model.Torch;

/// <summary>
/// Work that stays on one thread from its beginning to its end. libtorch keeps its number of threads, its team of workers and its allocator's arena by
/// thread: a step that goes on wherever the last wait happened to end pays for them on every thread of the pool, and sums that are split otherwise differ
/// in the last bit.
/// </summary>
internal static class OwnThread
{
    /// <summary>Does it on a new thread, which may block; gives what it returns or throws.</summary>
    public static async Task RunAsync(Action work) => await RunAsync(() =>
    {
        work();
        return true;
    }).ConfigureAwait(false);

    /// <inheritdoc cref="RunAsync(Action)"/>
    public static Task<T> RunAsync<T>(Func<T> work) =>
        Task.Factory.StartNew(
            () => Work(work), CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    // Before a run the memory is of the pool's threads, after it of its own.
    private static T Work<T>(Func<T> work)
    {
        HostMemory.GiveBack();
        try
        {
            return work();
        }
        finally
        {
            HostMemory.GiveBack();
        }
    }
}
