using System.Globalization;
using TorchSharp;
using Xkd.Model.Torch;
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
        var info = LibTorch.Info;
        if (name == "cpu" || (name == "auto" && !info.CudaAvailable))
        {
            return CPU;
        }

        var index = info.CudaDeviceCount == 1 ? 0 : localRank; // schedulers often show each rank just its own
        var valid = name is "cuda" or "auto" || (name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out index));
        if (!valid)
        {
            throw new UsageException($"--device {name}: write cpu, cuda, cuda:K or auto");
        }

        return index >= 0 && index < info.CudaDeviceCount
            ? new Device(DeviceType.CUDA, index)
            : throw new UsageException($"--device {name}: libtorch in {info.Directory} sees {info.CudaDeviceCount} CUDA devices; name a libtorch with CUDA by --libtorch or XKD_LIBTORCH, or write --device cpu");
    }

    /// <summary>Name of the environment variable that says how many threads libtorch takes where neither configuration nor command does.</summary>
    public const string ThreadsVariable = "XKD_THREADS";

    /// <summary>Sets libtorch's intra-op threads of the calling thread, of threads that have not used it yet, and of <see cref="OwnThread"/>.</summary>
    /// <param name="threads">How many; 0: what XKD_THREADS says, else one per core.</param>
    /// <param name="cores">Cores to share; 0: the machine's.</param>
    /// <exception cref="UsageException">XKD_THREADS is no whole number above 0.</exception>
    public static void SetThreads(int threads, int cores = 0)
    {
        OwnThread.Threads = threads > 0 ? threads : Threads(Environment.GetEnvironmentVariable(ThreadsVariable)) ?? (cores > 0 ? cores : Environment.ProcessorCount);
        set_num_threads(OwnThread.Threads);
    }

    /// <summary>What a value of XKD_THREADS says; null where there is none.</summary>
    /// <exception cref="UsageException">It is no whole number above 0.</exception>
    public static int? Threads(string? value) =>
        string.IsNullOrEmpty(value) ? null
        : int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var threads) && threads > 0 ? threads
        : throw new UsageException($"{ThreadsVariable} is {value}; set it to a whole number of at least 1, or unset it");
}
