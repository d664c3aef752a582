using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Xkd.Model.Distributed;

/// <summary>
/// The one thread that calls MPI (MPI_THREAD_FUNNELED): most MPI libraries are fastest, and some only correct, when one thread calls them, and the training
/// thread computes meanwhile.
/// </summary>
internal sealed class MpiThread : IDisposable
{
    private readonly BlockingCollection<Call> _calls = [];
    private readonly Thread _thread;

    public MpiThread()
    {
        _thread = new Thread(Loop) { IsBackground = true, Name = "xkd mpi" }; // in the background: a call that never returns must not hold the process
        _thread.Start();
    }

    /// <summary>Runs a call and returns its result, or throws what it threw.</summary>
    public T Run<T>(Func<T> work) => Begin(work)();

    /// <summary>Lets a call run; what is returned waits for it, and throws what it threw.</summary>
    public Func<T> Begin<T>(Func<T> work)
    {
        Call<T> call = new(work);
        _calls.Add(call);
        return () =>
        {
            using (call)
            {
                return call.Result();
            }
        };
    }

    public void Run(Action work) => Run(() =>
    {
        work();
        return 0;
    });

    /// <summary>Lets the calls made so far end; waits for the thread.</summary>
    public void Dispose()
    {
        _calls.CompleteAdding();
        _thread.Join();
        _calls.Dispose();
    }

    private void Loop()
    {
        foreach (Call call in _calls.GetConsumingEnumerable())
        {
            call.Run();
        }
    }

    private abstract class Call
    {
        public abstract void Run();
    }

    private sealed class Call<T>(Func<T> work) : Call, IDisposable
    {
        private readonly ManualResetEventSlim _done = new();
        private ExceptionDispatchInfo? _error;
        private T? _result;

        public override void Run()
        {
            try
            {
                _result = work();
            }
#pragma warning disable CA1031 // whatever it is, it is thrown where the call was made
            catch (Exception e)
#pragma warning restore CA1031
            {
                _error = ExceptionDispatchInfo.Capture(e);
            }

            _done.Set();
        }

        public T Result()
        {
            _done.Wait();
            _error?.Throw();
            return _result!;
        }

        public void Dispose() => _done.Dispose();
    }
}
