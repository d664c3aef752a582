using System.Runtime.InteropServices;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Ranks;

/// <summary>
/// Exchange among the ranks of a run. All ranks make the same calls in the same order; a call returns when this rank's part is done. A communicator does not
/// watch the other ranks: where one is lost, a call may never return, and <see cref="RankWatch"/> ends the process.
/// </summary>
public interface ICommunicator : IDisposable
{
    /// <summary>The library that carries the exchange, with its version.</summary>
    string Name { get; }

    /// <summary>0 … <see cref="Size"/> − 1.</summary>
    int Rank { get; }

    int Size { get; }

    /// <summary>Adds up a tensor over all ranks, in place: contiguous, of one shape everywhere, float32, float64 or bfloat16.</summary>
    void Sum(Tensor values);

    /// <summary>Overwrites a contiguous tensor with rank 0's, bit for bit.</summary>
    void Broadcast(Tensor values);

    /// <summary>Every rank's bytes, of any length each, by rank.</summary>
    IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes);

    /// <summary>Returns when all ranks have called it.</summary>
    void Barrier();
}

/// <summary>One process by itself.</summary>
internal sealed class SingleCommunicator : ICommunicator
{
    public string Name => "one process";

    public int Rank => 0;

    public int Size => 1;

    public void Sum(Tensor values)
    {
    }

    public void Broadcast(Tensor values)
    {
    }

    public IReadOnlyList<byte[]> Gather(ReadOnlyMemory<byte> bytes) => [bytes.ToArray()];

    public void Barrier()
    {
    }

    public void Dispose()
    {
    }
}

/// <summary>An exchange among ranks failed: some MPI libraries return where another rank is lost, others wait for ever.</summary>
internal sealed class ExchangeException(string message) : FailureException(message);

/// <summary>The address of a tensor's values, on the host or on a device: TorchSharp gives it for the host only, and for 2 GB at most.</summary>
internal static unsafe class TensorMemory
{
    // Of libtorch's stable C API; the library is loaded already.
    private static readonly Lazy<nint> GetDataPointer = new(() => NativeLibrary.GetExport(
        NativeLibrary.Load(Path.Combine(LibTorch.Info.Directory, LibTorchLocator.Probe)), "aoti_torch_get_data_ptr"));

    /// <summary>Address of the first value of a contiguous tensor; keep the tensor alive while it is used.</summary>
    public static nint Address(Tensor tensor)
    {
        if (!tensor.is_contiguous())
        {
            throw new ArgumentException(
                $"a tensor of shape [{string.Join(", ", tensor.shape)}] and strides [{string.Join(", ", tensor.stride())}] is not contiguous", nameof(tensor));
        }

        void* address;
        return ((delegate* unmanaged<nint, void**, int>)GetDataPointer.Value)(tensor.Handle, &address) == 0
            ? (nint)address
            : throw new FailureException($"libtorch {LibTorch.Info.Version} does not tell where a tensor of {tensor.dtype} on {tensor.device} lies");
    }

    /// <summary>Bytes of all values.</summary>
    public static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();

    public static ArgumentException NoSum(Tensor values) =>
        new($"{values.dtype}: only float32, float64 and bfloat16 are added up over ranks", nameof(values));
}
