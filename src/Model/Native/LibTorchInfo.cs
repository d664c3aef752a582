namespace Xkd.Model.Native;

/// <summary>What was loaded, for logs, run reports and <c>doctor</c>.</summary>
public sealed record LibTorchInfo
{
    /// <summary>libtorch's own version ("2.10.0"), or "unknown" where the library does not tell.</summary>
    public required string Version { get; init; }

    /// <summary>Folder the libraries came from.</summary>
    public required string Directory { get; init; }

    /// <summary>Full path of the LibTorchSharp library in use.</summary>
    public required string Binding { get; init; }

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
