using TorchSharp;
using Xkd.Model.Native;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>Names of devices, as written on the command line.</summary>
public static class Devices
{
    /// <summary>
    /// The device called <paramref name="name"/>: <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:k</c>. Loads libtorch. The first two take the GPU whose number
    /// is <paramref name="localRank"/>, or the only one that is visible.
    /// </summary>
    /// <exception cref="UsageException">The name is none of these, or the machine has no such device.</exception>
    public static Device Parse(string name, int localRank = 0)
    {
        LibTorchInfo info = LibTorch.Info;
        if (name == "cpu" || (name == "auto" && !info.CudaAvailable))
        {
            return CPU;
        }

        int index = info.CudaDeviceCount == 1 ? 0 : localRank; // schedulers often show each rank just its own
        bool valid = name is "cuda" or "auto" || (name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out index));
        if (!valid)
        {
            throw new UsageException($"--device {name}: write cpu, cuda, cuda:K or auto");
        }

        return index >= 0 && index < info.CudaDeviceCount
            ? new Device(DeviceType.CUDA, index)
            : throw new UsageException($"--device {name}: libtorch in {info.Directory} sees {info.CudaDeviceCount} CUDA devices; name a libtorch with CUDA by --libtorch or XKD_LIBTORCH, or write --device cpu");
    }

    /// <summary>Sets libtorch's intra-op threads of the calling thread, and of threads that have not used it yet; 0: one per core.</summary>
    public static void SetThreads(int threads) => set_num_threads(threads > 0 ? threads : Environment.ProcessorCount);
}
