using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Torch;

/// <summary>What is asked of the CUDA driver (libcuda.so.1) itself, because libtorch's binding does not tell.</summary>
internal static unsafe class CudaDriver
{
    private const int Success = 0;

    /// <summary>Bytes of the current device, and those in use by all processes; 0 where the driver does not tell.</summary>
    public static (long Used, long Total) Memory()
    {
        nuint free, total;
        return NativeLibrary.TryLoad("libcuda.so.1", out var driver) && NativeLibrary.TryGetExport(driver, "cuMemGetInfo_v2", out var info)
            && ((delegate* unmanaged<nuint*, nuint*, int>)info)(&free, &total) == Success ? ((long)(total - free), (long)total) : default;
    }

    /// <summary>Address of a function of the driver or of libtorch's C interface.</summary>
    /// <exception cref="UsageException">Neither has it.</exception>
    public static nint Function(string name)
    {
        var libtorch = LibTorch.Info;
        string[] files = ["libcuda.so.1", .. new[] { LibTorchLocator.Probe, "libtorch_cuda.so" }.Select(file => Path.Combine(libtorch.Directory, file))];
        foreach (var file in files) // loaded already: the same handles
        {
            if (NativeLibrary.TryLoad(file, out var library) && NativeLibrary.TryGetExport(library, name, out var function))
            {
                return function;
            }
        }

        throw new UsageException($"neither libcuda.so.1 nor libtorch {libtorch.Version} in {libtorch.Directory} has {name}: "
            + $"name a libtorch 2.10 with CUDA by --libtorch or {LibTorchLocator.Variable}");
    }

    /// <summary>One name for each of <paramref name="count"/> devices; "cuda:k" where the driver does not tell.</summary>
    public static IReadOnlyList<string> Names(int count)
    {
        var names = Enumerable.Range(0, count).Select(index => string.Create(CultureInfo.InvariantCulture, $"cuda:{index}")).ToArray();
        if (count == 0 || !NativeLibrary.TryLoad("libcuda.so.1", out var driver)
            || !NativeLibrary.TryGetExport(driver, "cuInit", out var init)
            || !NativeLibrary.TryGetExport(driver, "cuDeviceGetName", out var getName)
            || ((delegate* unmanaged<uint, int>)init)(0) != Success)
        {
            return names;
        }

        // A device's ordinal is its handle's value in every driver since CUDA 2, and CUDA_VISIBLE_DEVICES is applied to both numberings alike.
        var buffer = stackalloc byte[256];
        for (var index = 0; index < count; index++)
        {
            if (((delegate* unmanaged<byte*, int, int, int>)getName)(buffer, 256, index) == Success)
            {
                names[index] = Encoding.ASCII.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(buffer));
            }
        }

        return names;
    }
}
