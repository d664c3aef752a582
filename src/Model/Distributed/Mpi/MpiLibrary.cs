using System.Runtime.InteropServices;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Distributed;

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
    private readonly void* _inPlace;

    private MpiLibrary(nint library, string path, MpiFlavor flavor)
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
        bool open = flavor == MpiFlavor.OpenMpi;
        World = open ? Export("ompi_mpi_comm_world") : 0x44000000;
        ErrorsReturn = open ? Export("ompi_mpi_errors_return") : 0x54000001;
        Byte = open ? Export("ompi_mpi_byte") : 0x4c00010d;
        Int32 = open ? Export("ompi_mpi_int32_t") : 0x4c000439;
        UInt16 = open ? Export("ompi_mpi_uint16_t") : 0x4c00023c;
        Float = open ? Export("ompi_mpi_float") : 0x4c00040a;
        Double = open ? Export("ompi_mpi_double") : 0x4c00080b;
        SumOp = open ? Export("ompi_mpi_op_sum") : 0x58000003;
        _inPlace = open ? (void*)1 : (void*)-1;
    }

    public string Path { get; }

    public nint Byte { get; }

    public nint Int32 { get; }

    public nint UInt16 { get; }

    public nint Float { get; }

    public nint Double { get; }

    public nint SumOp { get; }

    private nint World { get; }

    private nint ErrorsReturn { get; }

    /// <summary>Takes a loaded library.</summary>
    /// <exception cref="UsageException">It lacks a function: it is no MPI.</exception>
    public static MpiLibrary Of((nint Library, string Path, MpiFlavor Flavor) loaded) => new(loaded.Library, loaded.Path, loaded.Flavor);

    /// <summary>Starts MPI; rank and size.</summary>
    /// <exception cref="FailureException">The library cannot reach the other ranks.</exception>
    public (int Rank, int Size) Initialise()
    {
        int provided;
        Check("MPI_Init_thread", ((delegate* unmanaged<int*, byte***, int, int*, int>)Export("MPI_Init_thread"))(null, null, Funneled, &provided));
        if (provided < Funneled)
        {
            throw new FailureException($"{Path} was built without threads (it offers level {provided}, {Funneled} is needed): name another libmpi in {MpiLocator.Variable}");
        }

        // Errors come back as numbers: the default is to abort the process without a word of what it was doing.
        Check("MPI_Comm_set_errhandler", ((delegate* unmanaged<nint, nint, int>)Export("MPI_Comm_set_errhandler"))(World, ErrorsReturn));
        int rank, size;
        Check("MPI_Comm_rank", ((delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_rank"))(World, &rank));
        Check("MPI_Comm_size", ((delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_size"))(World, &size));
        return (rank, size);
    }

    /// <summary>The library's own name and version, its first line.</summary>
    public string Version()
    {
        byte[] text = new byte[TextLength];
        int length;
        fixed (byte* start = text)
        {
            Check("MPI_Get_library_version", ((delegate* unmanaged<byte*, int*, int>)Export("MPI_Get_library_version"))(start, &length));
        }

        return string.Join(' ', Encoding.ASCII.GetString(text, 0, length).Split('\n', ',')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('\0');
    }

    /// <summary>A commutative operation of one's own: (in, inout, length, type).</summary>
    public nint Operation(delegate* unmanaged<void*, void*, int*, void*, void> function)
    {
        nint operation = 0; // MPICH writes the lower half only
        Check("MPI_Op_create", ((delegate* unmanaged<void*, int, nint*, int>)Export("MPI_Op_create"))(function, 1, &operation));
        return operation;
    }

    public void AllReduce(void* values, int count, nint type, nint operation) => Check("MPI_Allreduce", _allReduce(_inPlace, values, count, type, operation, World));

    public void Broadcast(void* values, int count, nint type) => Check("MPI_Bcast", _broadcast(values, count, type, 0, World));

    /// <summary>Every rank's values put end to end: from each as many as <paramref name="counts"/> says, at its offset.</summary>
    public void AllGather(void* own, int count, void* all, int* counts, int* offsets, nint type) =>
        Check("MPI_Allgatherv", _allGather(own, count, type, all, counts, offsets, type, World));

    public void Barrier() => Check("MPI_Barrier", _barrier(World));

    public void Complete() => Check("MPI_Finalize", _finalize());

    private void Check(string function, int code)
    {
        if (code == Success)
        {
            return;
        }

        byte* text = stackalloc byte[TextLength];
        int length = 0;
        string reason = _errorText(code, text, &length) == Success ? Encoding.ASCII.GetString(text, length).Trim() : $"error {code}";
        throw new ExchangeException($"{function} of {Path} failed: {reason}. Another rank may have ended; start the run again with --resume");
    }

    private nint Export(string name) => NativeLibrary.TryGetExport(_library, name, out nint address)
        ? address
        : throw new UsageException($"{Path} has no {name}: name a libmpi.so of Open MPI or of MPICH in {MpiLocator.Variable}");
}
