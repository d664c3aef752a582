using System.Runtime.InteropServices;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

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
}
