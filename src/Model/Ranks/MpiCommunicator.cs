using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Ranks;

/// <summary>
/// Exchange over MPI: of tensors in host memory and of bytes. Long tensors go in chunks, which stay in the cache between the passes that a reduction
/// makes over them: 1.2 to 1.6 times the rate of one call over the whole, where each rank has a core. Smaller ones gain no more, and where ranks
/// share cores each call costs a turn of the scheduler.
/// </summary>
internal sealed partial class MpiCommunicator : ICommunicator
{
    /// <summary>Values to a call.</summary>
    public const int Chunk = 1 << 22;

    private readonly MpiThread _thread = new();
    private readonly MpiLibrary _mpi;
    private readonly nint _bfloat16Sum;

    private MpiCommunicator(RankEnvironment environment)
    {
        // Ranks that share cores must not spin while they wait. Set before MPI starts, and in the C library's environment, which .NET only copies.
        SetEnvironment("OMPI_MCA_mpi_yield_when_idle", environment.LocalSize >= Environment.ProcessorCount ? "1" : "0", 0);
        SetEnvironment("OMPI_MCA_opal_signal", "6", 0); // else it takes SIGSEGV, by which .NET knows null references
        _mpi = new MpiLocator().Load(environment.Launcher);
        (Rank, Size, Name, _bfloat16Sum) = _thread.Run(() =>
        {
            (var rank, var size) = _mpi.Initialise();
            return (rank, size, _mpi.Version(), Bfloat16());
        });

        unsafe nint Bfloat16() => _mpi.Operation(&Bfloat16Sum.Reduce);
    }

    public string Name { get; }

    public int Rank { get; }

    public int Size { get; }

    /// <summary>Joins the other ranks that the launcher started; once in a process.</summary>
    /// <exception cref="UsageException">No MPI library, or another one than the launcher's.</exception>
    public static MpiCommunicator Open(RankEnvironment environment)
    {
        MpiCommunicator mpi = new(environment);
        return mpi.Size == environment.Size && mpi.Rank == environment.Rank
            ? mpi
            : throw new UsageException($"the launcher started this process as rank {environment.Rank} of {environment.Size}, "
                + $"but {mpi._mpi.Path} ({mpi.Name}) takes it for rank {mpi.Rank} of {mpi.Size}: "
                + "use the mpirun that belongs to that library, srun with the --mpi it was built for, "
                + $"or name the launcher's own library in {MpiLocator.Variable}");
    }

    public unsafe void Sum(Tensor values)
    {
        (var type, var operation) = values.dtype switch
        {
            ScalarType.Float32 => (_mpi.Float, _mpi.SumOp),
            ScalarType.Float64 => (_mpi.Double, _mpi.SumOp),
            ScalarType.BFloat16 => (_mpi.UInt16, _bfloat16Sum),
            _ => throw ExchangeException.NoSum(values),
        };
        (var start, var count, var size) = (HostAddress(values), values.numel(), values.element_size());
        _thread.Run(() =>
        {
            for (long done = 0; done < count; done += Chunk)
            {
                _mpi.AllReduce((void*)(start + (nint)(done * size)), (int)Math.Min(Chunk, count - done), type, operation);
            }
        });
        GC.KeepAlive(values);
    }

    public unsafe void Broadcast(Tensor values)
    {
        (var start, var bytes) = (HostAddress(values), TensorMemory.Bytes(values));
        const int BytesAtOnce = Chunk * sizeof(float);
        _thread.Run(() =>
        {
            for (long done = 0; done < bytes; done += BytesAtOnce)
            {
                _mpi.Broadcast((void*)(start + (nint)done), (int)Math.Min(BytesAtOnce, bytes - done), _mpi.Byte);
            }
        });
        GC.KeepAlive(values);
    }

    public unsafe IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes) => _thread.Run<IReadOnlyList<byte[]>>(() =>
    {
        int[] lengths = new int[Size], ones = [.. Enumerable.Repeat(1, Size)], places = [.. Enumerable.Range(0, Size)];
        var own = bytes.Length;
        fixed (int* all = lengths, counts = ones, offsets = places)
        {
            _mpi.AllGather(&own, 1, all, counts, offsets, _mpi.Int32);
        }

        int[] starts = [.. lengths.Select((_, rank) => lengths.Take(rank).Sum())];
        var gathered = new byte[lengths.Sum()];
        using var mine = bytes.Pin();
        fixed (byte* all = gathered)
        {
            fixed (int* counts = lengths, offsets = starts)
            {
                _mpi.AllGather(mine.Pointer, own, all, counts, offsets, _mpi.Byte);
            }
        }

        return [.. starts.Zip(lengths, (start, length) => gathered.AsSpan(start, length).ToArray())];
    });

    public void Barrier() => _thread.Run(_mpi.Barrier);

    /// <summary>Leaves MPI, together with the other ranks: not for a run that failed.</summary>
    public void Dispose()
    {
        _thread.Run(_mpi.Complete);
        _thread.Dispose();
    }

    private static nint HostAddress(Tensor values) => values.device.type == TorchSharp.DeviceType.CPU
        ? TensorMemory.Address(values)
        : throw new ArgumentException($"a tensor on {values.device}: MPI exchanges host memory, NCCL that of devices", nameof(values));

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}

/// <summary>
/// The one thread that calls MPI (MPI_THREAD_FUNNELED), whichever thread asks: most MPI libraries are fastest, and some only correct, when one thread
/// calls them.
/// </summary>
internal sealed class MpiThread : IDisposable
{
    private readonly BlockingCollection<Task> _calls = [];
    private readonly Thread _thread;

    public MpiThread()
    {
        _thread = new Thread(Loop) { IsBackground = true, Name = "xkd mpi" }; // in the background: a call that never returns must not hold the process
        _thread.Start();
    }

    /// <summary>Runs a call and returns its result, or throws what it threw.</summary>
    public T Run<T>(Func<T> work)
    {
        Task<T> call = new(work);
        _calls.Add(call);
        return call.GetAwaiter().GetResult();
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
        foreach (var call in _calls.GetConsumingEnumerable())
        {
            call.RunSynchronously();
        }
    }
}
