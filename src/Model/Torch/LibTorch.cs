using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using Xkd.Storage;

namespace Xkd.Model.Torch;

/// <summary>
/// Loads libtorch and its .NET binding. Call <see cref="Load"/> before anything touches TorchSharp; it is cheap when already done.
/// </summary>
/// <remarks>
/// libtorch is not copied beside the program (450 MB): the libraries are loaded by full path from, in this order, the folder given (<c>--libtorch</c>), the
/// one in <c>XKD_LIBTORCH</c>, the package folder this build was restored with, the NuGet package cache, the program's own folder or its subfolder
/// <c>libtorch</c>, and where <see cref="LibTorchPackage"/> unpacks it. Any libtorch 2.10 will do, a PyTorch install's <c>torch/lib</c> included; that is how
/// a GPU is reached without the CUDA packages. An older one is refused, and a later one that lacks a symbol which the binding needs.
/// </remarks>
public static class LibTorch
{
    // Dependencies first: each library is found by its soname when the next one asks for it.
    private static readonly string[] Order = ["libgomp*.so*", "libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];

    // What TorchSharp 0.107 is built for. Before 2.6, lerp_ refuses the weight that averages the teachers.
    private const ulong Oldest = (2ul << 56) | (10ul << 48);

    private const string Fix = $"name a libtorch 2.10 with --libtorch or {LibTorchLocator.Variable}";

    private static readonly Lock Gate = new();
    private static LibTorchInfo? loaded;

    /// <summary>The .NET binding's native library, once loaded.</summary>
    internal static nint Binding { get; private set; }

    /// <summary>What is loaded; loads with the defaults if nothing is yet.</summary>
    public static LibTorchInfo Info => Load();

    /// <summary>Loads libtorch once for the process. Thread-safe; later calls return what the first one loaded.</summary>
    /// <param name="directory">Folder of libtorch's libraries; null for the default order of places.</param>
    /// <exception cref="UsageException">No libtorch there, it does not load, it is too old, or another folder was loaded before.</exception>
    public static LibTorchInfo Load(string? directory = null)
    {
        lock (Gate)
        {
            if (loaded is null)
            {
                return loaded = LoadFrom(new LibTorchLocator(), directory);
            }

            if (!string.IsNullOrEmpty(directory) && new LibTorchLocator().FindLibraries(directory) is var wanted && wanted != loaded.Directory)
            {
                throw new UsageException($"libtorch is already loaded from {loaded.Directory}, it cannot be loaded again from {wanted}: "
                    + "name the folder once, when the program starts.");
            }

            return loaded;
        }
    }

    internal static LibTorchInfo LoadFrom(LibTorchLocator locator, string? directory)
    {
        var folder = locator.FindLibraries(directory);
        var source = locator.FindBinding(folder);
        var patched = LibTorchSharpCopy.IsNeeded();
        var binding = patched ? LibTorchSharpCopy.Ensure(source, LibTorchSharpCopy.DefaultCache()) : source;

        HostMemory.Keep();
        var mkl = new MklVendorCheck().Answer(); // before libtorch_cpu.so looks for its symbols
        nint cpu = 0;
        foreach (var file in Order.SelectMany(pattern => Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal)))
        {
            var handle = LoadFile(file, $"libtorch in {folder}");
            if (Path.GetFileName(file) == LibTorchLocator.Probe)
            {
                cpu = handle;
            }
        }

        var version = Accept(PackedVersion(cpu), folder);
        Binding = LoadFile(binding, $"libtorch {version} in {folder}");
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? Binding : 0);

        // The static constructor of TorchSharp looks for the same libraries by name: with the above mapped already, the names resolve to them.
        torch.InitializeDeviceType(DeviceType.CPU);
        var devices = File.Exists(Path.Combine(folder, "libtorch_cuda.so")) && torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        return new LibTorchInfo
        {
            Version = version,
            Directory = folder,
            Patched = binding != source,
            CudaAvailable = devices > 0,
            CudaDevices = CudaDriver.Names(devices),
            Mkl = MklVendorCheck.Found(cpu, mkl),
        };
    }

    /// <summary>Opens a library of libtorch, or the binding, for which libtorch must have every function that it calls.</summary>
    /// <exception cref="UsageException">It does not load, or libtorch lacks a symbol that it needs.</exception>
    internal static nint LoadFile(string file, string libtorch) =>
        GlobalLibrary.OpenLocal(file, complete: Path.GetFileName(file) == LibTorchLocator.BindingName, out var reason) is not 0 and var handle
            ? handle
            : throw new UsageException($"{file} does not load ({reason}): {libtorch} is incomplete or of another version or platform; {Fix}.");

    /// <summary>The version as text.</summary>
    /// <param name="packed">Major, minor and patch in the three highest bytes; 0 where libtorch does not tell.</param>
    /// <param name="folder">Where it is.</param>
    /// <exception cref="UsageException">It is too old.</exception>
    internal static string Accept(ulong packed, string folder)
    {
        var version = packed == 0
            ? "before 2.9"
            : string.Create(CultureInfo.InvariantCulture, $"{packed >> 56}.{(packed >> 48) & 0xff}.{(packed >> 40) & 0xff}");
        return packed >= Oldest ? version : throw new UsageException($"libtorch {version} in {folder} is too old: {Fix}.");
    }

    // Of libtorch's stable C API, from 2.9 on (torch/csrc/stable).
    private static unsafe ulong PackedVersion(nint cpu) =>
        NativeLibrary.TryGetExport(cpu, "aoti_torch_abi_version", out var function) ? ((delegate* unmanaged<ulong>)function)() : 0;
}

/// <summary>What was loaded, for logs, run reports and <c>doctor</c>.</summary>
public sealed record LibTorchInfo
{
    /// <summary>libtorch's own version ("2.10.0").</summary>
    public required string Version { get; init; }

    /// <summary>Folder the libraries came from.</summary>
    public required string Directory { get; init; }

    /// <summary>True where a patched copy of LibTorchSharp is in use because the system's libstdc++ is older than the one it was built against.</summary>
    public required bool Patched { get; init; }

    /// <summary>True where libtorch can reach at least one CUDA device.</summary>
    public required bool CudaAvailable { get; init; }

    /// <summary>One name for each visible CUDA device, in device order.</summary>
    public required IReadOnlyList<string> CudaDevices { get; init; }

    /// <summary>The path MKL takes on this processor; null where this libtorch has no MKL within.</summary>
    public required MklPath? Mkl { get; init; }

    /// <summary>Number of visible CUDA devices.</summary>
    public int CudaDeviceCount => CudaDevices.Count;
}
