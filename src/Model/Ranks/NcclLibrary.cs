using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Ranks;

/// <summary>The functions of NCCL (nccl.h, version 2) that are used, and of CUDA's runtime the one that chooses a thread's device.</summary>
internal sealed unsafe class NcclLibrary
{
    public const string Variable = "XKD_NCCL";
    public const int Uint8 = 1, Float32 = 7, Float64 = 8, Bfloat16 = 9;
    public const int SumOp = 0;

    private const string Name = "libnccl.so.2";

    private static readonly string[] RuntimeNames = ["libcudart.so.13", "libcudart.so.12", "libcudart.so"];

    /// <summary>(version)</summary>
    public required delegate* unmanaged<int*, int> GetVersion { get; init; }

    /// <summary>(id)</summary>
    public required delegate* unmanaged<NcclUniqueId*, int> GetUniqueId { get; init; }

    /// <summary>(communicator, ranks, id, rank)</summary>
    public required delegate* unmanaged<nint*, int, NcclUniqueId, int, int> InitRank { get; init; }

    /// <summary>(send, receive, count, type, operation, communicator, stream)</summary>
    public required delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int> AllReduce { get; init; }

    /// <summary>(send, receive, count, type, root, communicator, stream)</summary>
    public required delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int> Broadcast { get; init; }

    /// <summary>(communicator)</summary>
    public required delegate* unmanaged<nint, int> Destroy { get; init; }

    /// <summary>(code)</summary>
    public required delegate* unmanaged<int, byte*> ErrorText { get; init; }

    /// <summary>(device): the calling thread's, from now on.</summary>
    public required delegate* unmanaged<int, int> SetDevice { get; init; }

    /// <summary>Loads NCCL: what <c>XKD_NCCL</c> names, else the system's, else the one of a PyTorch install.</summary>
    /// <exception cref="UsageException">There is none, or it is none.</exception>
    public static NcclLibrary Load()
    {
        LibTorch.Load(); // which maps the runtime
        var nccl = Open();
        var runtimes = Runtimes(File.ReadLines("/proc/self/maps"));
        var runtime = runtimes.Select(name => NativeLibrary.TryLoad(name, out var handle) ? handle : 0).FirstOrDefault(handle => handle != 0);
        if (runtime == 0)
        {
            throw new UsageException($"none of {string.Join(", ", RuntimeNames)} loads, which come with libtorch's CUDA: "
                + $"name a libtorch with CUDA by --libtorch or {LibTorchLocator.Variable}");
        }

        return new NcclLibrary
        {
            GetVersion = (delegate* unmanaged<int*, int>)Export(nccl, "ncclGetVersion"),
            GetUniqueId = (delegate* unmanaged<NcclUniqueId*, int>)Export(nccl, "ncclGetUniqueId"),
            InitRank = (delegate* unmanaged<nint*, int, NcclUniqueId, int, int>)Export(nccl, "ncclCommInitRank"),
            AllReduce = (delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)Export(nccl, "ncclAllReduce"),
            Broadcast = (delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)Export(nccl, "ncclBroadcast"),
            Destroy = (delegate* unmanaged<nint, int>)Export(nccl, "ncclCommDestroy"),
            ErrorText = (delegate* unmanaged<int, byte*>)Export(nccl, "ncclGetErrorString"),
            SetDevice = (delegate* unmanaged<int, int>)Export(runtime, "cudaSetDevice"),
        };
    }

    /// <summary>Where CUDA's runtime may be: the one libtorch has mapped, since a second one has a current device of its own, then usual names.</summary>
    /// <param name="maps">Lines of <c>/proc/self/maps</c>.</param>
    internal static IEnumerable<string> Runtimes(IEnumerable<string> maps) =>
        maps.Where(line => Path.GetFileName(line).StartsWith("libcudart", StringComparison.Ordinal))
            .Select(line => line[line.IndexOf('/')..]).Distinct().Concat(RuntimeNames);

    private static nint Open()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
        {
            return NativeLibrary.TryLoad(chosen, out var named) ? named : throw new UsageException($"{Variable}={chosen} does not load: name a {Name}");
        }

        // PyTorch's wheels put it beside torch: site-packages/torch/lib and site-packages/nvidia/nccl/lib.
        var libtorch = LibTorch.Info.Directory;
        string[] places = [Name, Path.Combine(libtorch, Name), Path.GetFullPath(Path.Combine(libtorch, "..", "..", "nvidia", "nccl", "lib", Name))];
        foreach (var place in places)
        {
            if (NativeLibrary.TryLoad(place, out var handle))
            {
                return handle;
            }
        }

        throw new UsageException($"several ranks on GPUs exchange gradients over NCCL, but none of {string.Join(", ", places)} loads: "
            + $"apt-get install libnccl2, or name a PyTorch install's in {Variable}");
    }

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out var address)
        ? address
        : throw new UsageException($"the NCCL library has no {name}: name a {Name} in {Variable}");
}

/// <summary>What ranks of one NCCL communicator know each other by (ncclUniqueId of nccl.h); it goes by value.</summary>
[InlineArray(Length)]
internal struct NcclUniqueId
{
    public const int Length = 128;

    private byte _first;
}
