using System.Collections.Concurrent;
using TorchSharp;

namespace Xkd.Model.Torch;

/// <summary>
/// Work that stays on one thread from its beginning to its end. libtorch keeps its number of threads, its team of workers and its allocator's arena by
/// thread: a step that goes on wherever the last wait happened to end pays for them on every thread of the pool, and sums that are split otherwise differ
/// in the last bit. The same thread does the next work, so that memory and workers are there already: with a thread of its own each training left a
/// little more of them behind.
/// </summary>
internal static class OwnThread
{
    private static readonly ConcurrentStack<Worker> Idle = new();

    /// <summary>libtorch's intra-op threads for work that begins from now on; 0: its own choice.</summary>
    public static int Threads { get; set; }

    /// <summary>Does it on a thread with nothing else to do, which may block; gives what it returns or throws.</summary>
    public static async Task RunAsync(Action work) => await RunAsync(() =>
    {
        work();
        return true;
    }).ConfigureAwait(false);

    /// <inheritdoc cref="RunAsync(Action)"/>
    public static Task<T> RunAsync<T>(Func<T> work)
    {
        var worker = Idle.TryPop(out var idle) ? idle : new Worker();

        // What follows goes on elsewhere: here it would hold a thread that has its next work already, and may wait for that.
        Task<T> whole = new(
            () => Work(work, worker), TaskCreationOptions.DenyChildAttach | TaskCreationOptions.HideScheduler | TaskCreationOptions.RunContinuationsAsynchronously);
        whole.Start(worker);
        return whole;
    }

    // Before a run the memory is of the pool's threads, after it of its own.
    private static T Work<T>(Func<T> work, Worker worker)
    {
        HostMemory.GiveBack();
        if (Threads > 0)
        {
            torch.set_num_threads(Threads);
        }

        try
        {
            return work();
        }
        finally
        {
            HostMemory.GiveBack();
            Idle.Push(worker);
        }
    }

    // A thread for one task at a time.
    private sealed class Worker : TaskScheduler
    {
        private readonly object _gate = new();
        private Task? _given;

        public Worker() => new Thread(Run) { IsBackground = true, Name = nameof(OwnThread) }.Start();

        protected override void QueueTask(Task task)
        {
            lock (_gate)
            {
                _given = task;
                Monitor.Pulse(_gate);
            }
        }

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        protected override IEnumerable<Task> GetScheduledTasks() => []; // for debuggers

        private void Run()
        {
            while (true)
            {
                Task task;
                lock (_gate)
                {
                    while (_given is null)
                    {
                        Monitor.Wait(_gate);
                    }

                    (task, _given) = (_given, null);
                }

                TryExecuteTask(task);
            }
        }
    }
}
