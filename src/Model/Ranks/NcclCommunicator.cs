using System.Runtime.InteropServices;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Ranks;

/// <summary>
/// Exchange of tensors in device memory over NCCL, one device to a rank; what is not in device memory goes over the communicator the ranks have already.
/// Its calls are put on the device's default stream, on which libtorch's own work is, too: they neither overtake it nor wait for the host.
/// </summary>
internal sealed unsafe class NcclCommunicator : ICommunicator
{
    private const int Success = 0;
    private const nint DefaultStream = 0;

    private readonly ICommunicator _host;
    private readonly NcclLibrary _nccl;
    private readonly int _device;
    private readonly nint _communicator;

    private NcclCommunicator(ICommunicator host, NcclLibrary nccl, int device, NcclUniqueId id)
    {
        (_host, _nccl, _device) = (host, nccl, device);
        int version;
        Check("ncclGetVersion", _nccl.GetVersion(&version));
        Name = $"NCCL {version / 10000}.{version / 100 % 100}.{version % 100}"; // 2.9 and later: 10000, 100, 1
        UseDevice();
        nint communicator;
        Check("ncclCommInitRank", _nccl.InitRank(&communicator, host.Size, id, host.Rank));
        _communicator = communicator;
    }

    public string Name { get; }

    public int Rank => _host.Rank;

    public int Size => _host.Size;

    /// <summary>Joins all ranks; each names the number of its device. The id that they meet by goes over <paramref name="host"/>.</summary>
    /// <exception cref="FailureException">NCCL refuses, for instance two ranks on one device.</exception>
    public static NcclCommunicator Open(ICommunicator host, NcclLibrary nccl, int device)
    {
        NcclUniqueId id = default;
        byte[] own = [];
        if (host.Rank == 0)
        {
            Check(nccl, "ncclGetUniqueId", nccl.GetUniqueId(&id));
            own = [.. (ReadOnlySpan<byte>)id];
        }

        var first = host.Gather(own)[0];
        first.CopyTo((Span<byte>)id);
        return new NcclCommunicator(host, nccl, device, id);
    }

    public void Sum(Tensor values)
    {
        var type = values.dtype switch
        {
            ScalarType.Float32 => NcclLibrary.Float32,
            ScalarType.Float64 => NcclLibrary.Float64,
            ScalarType.BFloat16 => NcclLibrary.Bfloat16,
            _ => throw ExchangeException.NoSum(values),
        };
        UseDevice();
        var start = (void*)TensorMemory.Address(values);
        Check("ncclAllReduce", _nccl.AllReduce(start, start, (nuint)values.numel(), type, NcclLibrary.SumOp, _communicator, DefaultStream));
        GC.KeepAlive(values);
    }

    public void Broadcast(Tensor values)
    {
        var start = (void*)TensorMemory.Address(values);
        UseDevice();
        Check("ncclBroadcast", _nccl.Broadcast(start, start, (nuint)TensorMemory.Bytes(values), NcclLibrary.Uint8, 0, _communicator, DefaultStream));
        GC.KeepAlive(values);
    }

    public IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes) => _host.Gather(bytes);

    public void Barrier() => _host.Barrier();

    public void Dispose()
    {
        UseDevice();
        _ = _nccl.Destroy(_communicator); // the run is over: what goes wrong here can change nothing any more
    }

    // By thread: what ends a run need not be the thread that trained.
    private void UseDevice() => Check("cudaSetDevice", _nccl.SetDevice(_device));

    private void Check(string function, int code) => Check(_nccl, function, code);

    private static void Check(NcclLibrary nccl, string function, int code)
    {
        if (code != Success)
        {
            var ofNccl = function.StartsWith("nccl", StringComparison.Ordinal);
            var reason = ofNccl ? Marshal.PtrToStringUTF8((nint)nccl.ErrorText(code)) ?? "no reason given" : "see cudaError_t";
            throw new FailureException(
                $"{function} failed with code {code} ({reason}): NCCL_DEBUG=INFO makes NCCL say more; each rank needs a device of its own");
        }
    }
}
