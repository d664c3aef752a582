using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Ranks;

/// <summary>Ranks as threads of this process, which exchange through shared memory: what does not need MPI is tested without it.</summary>
internal sealed class InProcessRanks : IDisposable
{
    private readonly Barrier _barrier;
    private readonly object?[] _shared;
    private readonly CancellationTokenSource _over = new();

    private InProcessRanks(int size) => (_barrier, _shared) = (new Barrier(size), new object?[size]);

    /// <summary>Runs the same work on every rank at once, each on a thread of its own; the results by rank.</summary>
    /// <exception cref="AggregateException">What the ranks threw; one that throws ends the others' waiting.</exception>
    public static T[] Run<T>(int size, Func<RankGroup, T> work) => Communicate(size, communicator =>
    {
        using RankGroup group = new(communicator, watch: null);
        return work(group);
    });

    /// <inheritdoc cref="Run"/>
    public static T[] Communicate<T>(int size, Func<ICommunicator, T> work)
    {
        LibTorch.Load();
        using InProcessRanks ranks = new(size);
        Task<T>[] all = [.. Enumerable.Range(0, size).Select(rank => Task.Factory.StartNew(
            () => ranks.Work(rank, work), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Task.WaitAll(all, TestContext.Current.CancellationToken);
        return [.. all.Select(task => task.Result)];
    }

    public void Dispose()
    {
        _barrier.Dispose();
        _over.Dispose();
    }

    private T Work<T>(int rank, Func<ICommunicator, T> work)
    {
        set_num_threads(1); // libtorch keeps it by thread
        try
        {
            return work(new Communicator(this, rank));
        }
        catch
        {
            _over.Cancel();
            throw;
        }
    }

    private sealed class Communicator(InProcessRanks ranks, int rank) : ICommunicator
    {
        public string Name => "threads";

        public int Rank => rank;

        public int Size => ranks._shared.Length;

        public void Sum(Tensor values)
        {
            using var unrecorded = no_grad();
            var all = Exchange(values);
            using var sum = all.Skip(1).Aggregate(all[0].clone(), (total, next) => total.AddInPlace(next));
            Barrier(); // all have read
            values.copy_(sum);
            Barrier();
        }

        public void Broadcast(Tensor values)
        {
            using var unrecorded = no_grad();
            var all = Exchange(values);
            if (rank > 0)
            {
                values.copy_(all[0]);
            }

            Barrier();
        }

        public IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes) => Exchange(bytes.ToArray());

        public void Barrier() => ranks._barrier.SignalAndWait(ranks._over.Token);

        public void Dispose()
        {
        }

        private T[] Exchange<T>(T own)
        {
            ranks._shared[rank] = own;
            Barrier();
            T[] all = [.. ranks._shared.Select(value => (T)value!)];
            Barrier();
            return all;
        }
    }
}
