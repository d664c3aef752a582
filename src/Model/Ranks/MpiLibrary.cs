using System.Runtime.InteropServices;
using System.Text;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Ranks;

/// <summary>The MPI functions that are used, with the handles of the library's own interface. Every call must come from one thread.</summary>
internal sealed unsafe class MpiLibrary
{
    private const int Funneled = 1, Success = 0;
    private const int TextLength = 1 << 13; // the standard's bound is each library's own, 8192 at most

    private readonly nint _library;
    private readonly delegate* unmanaged<void*, void*, int, nint, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, int> _allGather;
    private readonly delegate* unmanaged<nint, int> _barrier;
    private readonly delegate* unmanaged<int, byte*, int*, int> _errorText;
    private readonly delegate* unmanaged<int> _finalize;
    private readonly nint _world, _errorsReturn;
    private readonly void* _inPlace;

    /// <summary>Takes a loaded library, whose functions are those of one of the two binary interfaces.</summary>
    /// <exception cref="UsageException">It lacks a function: it is no MPI.</exception>
    public MpiLibrary(nint library, string path)
    {
        _library = library;
        Path = path;
        _allReduce = (delegate* unmanaged<void*, void*, int, nint, nint, nint, int>)Export("MPI_Allreduce");
        _broadcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Export("MPI_Bcast");
        _allGather = (delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, int>)Export("MPI_Allgatherv");
        _barrier = (delegate* unmanaged<nint, int>)Export("MPI_Barrier");
        _errorText = (delegate* unmanaged<int, byte*, int*, int>)Export("MPI_Error_string");
        _finalize = (delegate* unmanaged<int>)Export("MPI_Finalize");

        // MPICH's integers are part of its binary interface since 2008 (mpi.h); a handle goes as a whole register, of which it reads the lower half.
        var open = IsOpenMpi(library);
        _world = open ? Export("ompi_mpi_comm_world") : 0x44000000;
        _errorsReturn = open ? Export("ompi_mpi_errors_return") : 0x54000001;
        Byte = open ? Export("ompi_mpi_byte") : 0x4c00010d;
        Int32 = open ? Export("ompi_mpi_int32_t") : 0x4c000439;
        UInt16 = open ? Export("ompi_mpi_uint16_t") : 0x4c00023c;
        Float = open ? Export("ompi_mpi_float") : 0x4c00040a;
        Double = open ? Export("ompi_mpi_double") : 0x4c00080b;
        SumOp = open ? Export("ompi_mpi_op_sum") : 0x58000003;
        _inPlace = open ? (void*)1 : (void*)-1;
    }

    public string Path { get; }

    /// <summary>Handles of types.</summary>
    public nint Byte { get; }

    public nint Int32 { get; }

    public nint UInt16 { get; }

    public nint Float { get; }

    public nint Double { get; }

    /// <summary>Handle of the operation.</summary>
    public nint SumOp { get; }

    /// <summary>
    /// Which of the two binary interfaces a library has. They differ in their handles: Open MPI's are addresses of exported objects, MPICH's (and Intel's,
    /// MVAPICH's, Cray's) are integers.
    /// </summary>
    public static bool IsOpenMpi(nint library) => NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _);

    /// <summary>Starts MPI; rank and size.</summary>
    /// <exception cref="FailureException">The library cannot reach the other ranks.</exception>
    public (int Rank, int Size) Initialise()
    {
        int provided;
        Check("MPI_Init_thread", ((delegate* unmanaged<int*, byte***, int, int*, int>)Export("MPI_Init_thread"))(null, null, Funneled, &provided));
        if (provided < Funneled)
        {
            throw new FailureException(
                $"{Path} was built without threads (it offers level {provided}, {Funneled} is needed): name another libmpi in {MpiLocator.Variable}");
        }

        // Errors come back as numbers: the default is to abort the process without a word of what it was doing.
        Check("MPI_Comm_set_errhandler", ((delegate* unmanaged<nint, nint, int>)Export("MPI_Comm_set_errhandler"))(_world, _errorsReturn));
        int rank, size;
        Check("MPI_Comm_rank", ((delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_rank"))(_world, &rank));
        Check("MPI_Comm_size", ((delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_size"))(_world, &size));
        return (rank, size);
    }

    /// <summary>The library's own name and version, its first line.</summary>
    public string Version()
    {
        var text = new byte[TextLength];
        int length;
        fixed (byte* start = text)
        {
            Check("MPI_Get_library_version", ((delegate* unmanaged<byte*, int*, int>)Export("MPI_Get_library_version"))(start, &length));
        }

        var first = Encoding.ASCII.GetString(text, 0, length).Split('\n', ',')[0];
        return string.Join(' ', first.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('\0');
    }

    /// <summary>A commutative operation of one's own: (in, inout, length, type).</summary>
    public nint Operation(delegate* unmanaged<void*, void*, int*, void*, void> function)
    {
        nint operation = 0; // MPICH writes the lower half only
        Check("MPI_Op_create", ((delegate* unmanaged<void*, int, nint*, int>)Export("MPI_Op_create"))(function, 1, &operation));
        return operation;
    }

    public void AllReduce(void* values, int count, nint type, nint operation) =>
        Check("MPI_Allreduce", _allReduce(_inPlace, values, count, type, operation, _world));

    public void Broadcast(void* values, int count, nint type) => Check("MPI_Bcast", _broadcast(values, count, type, 0, _world));

    /// <summary>Every rank's values put end to end: from each as many as <paramref name="counts"/> says, at its offset.</summary>
    public void AllGather(void* own, int count, void* all, int* counts, int* offsets, nint type) =>
        Check("MPI_Allgatherv", _allGather(own, count, type, all, counts, offsets, type, _world));

    public void Barrier() => Check("MPI_Barrier", _barrier(_world));

    public void Complete() => Check("MPI_Finalize", _finalize());

    private void Check(string function, int code)
    {
        if (code == Success)
        {
            return;
        }

        var text = stackalloc byte[TextLength];
        var length = 0;
        var reason = _errorText(code, text, &length) == Success ? Encoding.ASCII.GetString(text, length).Trim() : $"error {code}";
        throw new ExchangeException($"{function} of {Path} failed: {reason}. Another rank may have ended; start the run again with --resume");
    }

    private nint Export(string name) => NativeLibrary.TryGetExport(_library, name, out var address)
        ? address
        : throw new UsageException($"{Path} has no {name}: name a libmpi.so of Open MPI or of MPICH in {MpiLocator.Variable}");
}

/// <summary>Finds the MPI library that belongs to the launcher: a rank of one library that another's launcher starts believes to be alone.</summary>
internal sealed class MpiLocator
{
    public const string Variable = "XKD_MPI";

    private static readonly string[] OpenMpiNames = ["libmpi.so.40", "libmpi.so.80", "libmpi.so"];

    // Debian's name, then what MPICH's own build, Intel MPI and MVAPICH call it.
    private static readonly string[] MpichNames = ["libmpich.so.12", "libmpi.so.12", "libmpich.so"];

    /// <summary>Value of an environment variable by name.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Loads the library, its symbols global: Open MPI loads its transports as plugins that look for them there.</summary>
    /// <exception cref="UsageException">There is none, or the one named does not load.</exception>
    public MpiLibrary Load(RankLauncher launcher)
    {
        if (Environment(Variable) is { Length: > 0 } chosen)
        {
            var named = GlobalLibrary.Open(chosen, out var reason);
            return named != 0
                ? new MpiLibrary(named, chosen)
                : throw new UsageException($"{Variable}={chosen} does not load ({reason}): name a libmpi.so of Open MPI or of MPICH");
        }

        var names = launcher == RankLauncher.Pmi ? MpichNames : OpenMpiNames;
        foreach (var name in names)
        {
            if (GlobalLibrary.Open(name, out _) is not 0 and nint library)
            {
                return new MpiLibrary(library, name);
            }
        }

        (var product, var package) = launcher == RankLauncher.Pmi ? ("MPICH", "libmpich12") : ("Open MPI", "libopenmpi3");
        throw new UsageException(
            $"this process was started as one of several by {product}'s launcher, but none of {string.Join(", ", names)} loads: "
            + $"apt-get install {package}, or name the library in {Variable}");
    }
}
