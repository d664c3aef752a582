using System.Globalization;
using TorchSharp;
using Xkd.Storage;

namespace Xkd.Model.Torch;

/// <summary>Checks what training and evaluation need of this machine. It prints nothing. ffmpeg is checked elsewhere: this part never decodes.</summary>
public static class Doctor
{
    /// <summary>Every check, in a fixed order. Never throws for what it finds.</summary>
    public static IReadOnlyList<DoctorCheck> Run(DoctorOptions? options = null)
    {
        options ??= new DoctorOptions();
        return [.. LibTorchChecks(options), Jpeg(), Memory(options), Disk(options), Threads(options)];
    }

    private static List<DoctorCheck> LibTorchChecks(DoctorOptions options)
    {
        LibTorchInfo info;
        try
        {
            info = LibTorch.Load(options.LibTorchDirectory);
        }
        catch (UsageException e)
        {
            var remedy = $"xkd doctor --install-libtorch, or name a folder that has libtorch with --libtorch or {LibTorchLocator.Variable}";
            return [new DoctorCheck { Name = "libtorch", Ok = false, Detail = e.Message, Remedy = remedy }];
        }

        var patched = info.Patched ? ", binding patched for this system's libstdc++" : "";
        List<DoctorCheck> checks =
        [
            new() { Name = "libtorch", Ok = true, Detail = $"{info.Version} from {info.Directory}{patched}" },
            new()
            {
                Name = "devices",
                Ok = true,
                Detail = info.CudaAvailable ? string.Join(", ", info.CudaDevices.Select((name, index) => $"cuda:{index} {name}")) : "cpu only",
                Remedy = info.CudaAvailable ? null : $"to use a GPU, set {LibTorchLocator.Variable} to the torch/lib of a PyTorch 2.10 installed with CUDA",
            },
            Numerics("cpu"),
        ];
        foreach (var device in Enumerable.Range(0, info.CudaDeviceCount).Select(static index => string.Create(CultureInfo.InvariantCulture, $"cuda:{index}")))
        {
            // Never a fault: without kernels the same is done by more passes over memory.
            checks.AddRange([Numerics(device), new DoctorCheck { Name = $"kernels {device}", Ok = true, Detail = FusedKernels.On(torch.device(device), KernelChoice.Auto, 768, 384).Told }]);
        }

        return checks;
    }

    private static DoctorCheck Numerics(string device)
    {
        string? wrong;
        try
        {
            wrong = NumericSmokeTest.Run(torch.device(device));
        }
        catch (System.Runtime.InteropServices.ExternalException e)
        {
            // libtorch's own errors, a broken driver among them, arrive as this.
            wrong = e.Message.ReplaceLineEndings(" ");
        }

        return new DoctorCheck
        {
            Name = $"numerics {device}",
            Ok = wrong is null,
            Detail = wrong ?? "forward, backward and one AdamW step agree with the reference",
            Remedy = wrong is null ? null : $"this libtorch does not fit TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}: use version 2.10",
        };
    }

    private static DoctorCheck Memory(DoctorOptions options)
    {
        // Under a container's limit this is the limit.
        var total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var enough = total >= options.MemoryBytes;
        return new DoctorCheck
        {
            Name = "memory",
            Ok = enough,
            Detail = $"{Gigabytes(total)} for this process",
            Remedy = enough
                ? null
                : $"at least {Gigabytes(options.MemoryBytes)} are advised: lower the batch size, and data.prefetch_bytes in the configuration",
        };
    }

    private static DoctorCheck Disk(DoctorOptions options)
    {
        try
        {
            var free = new DriveInfo(Path.GetFullPath(options.Folder)).AvailableFreeSpace;
            var enough = free >= options.DiskBytes;
            return new DoctorCheck
            {
                Name = "disk",
                Ok = enough,
                Detail = $"{Gigabytes(free)} free under {options.Folder}",
                Remedy = enough ? null : $"at least {Gigabytes(options.DiskBytes)} are advised: make room, or write caches and runs elsewhere",
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new DoctorCheck { Name = "disk", Ok = false, Detail = $"{options.Folder}: {e.Message}", Remedy = "name a folder that exists" };
        }
    }

    private static DoctorCheck Threads(DoctorOptions options)
    {
        const string Variable = "XKD_THREADS";
        var set = options.Variable(Variable);
        var unset = string.IsNullOrEmpty(set);
        var valid = unset || (int.TryParse(set, NumberStyles.None, CultureInfo.InvariantCulture, out var threads) && threads >= 1);
        return new DoctorCheck
        {
            Name = "threads",
            Ok = valid,
            Detail = $"{Environment.ProcessorCount} cores{(unset ? "" : $", {Variable}={set}: the threads that libtorch takes where no configuration says")}",
            Remedy = valid ? null : $"set {Variable} to a whole number of at least 1, or unset it",
        };
    }

    // Never a fault: what it does faster is done either way, to the same pixels.
    private static DoctorCheck Jpeg() => new()
    {
        Name = "jpeg",
        Ok = true,
        Detail = JpegFrames.IsFast ? "caches of --frames jpeg are coded by libturbojpeg" : "caches of --frames jpeg are coded by SkiaSharp, at half the speed",
        Remedy = JpegFrames.IsFast ? null : "to read them faster: apt-get install libturbojpeg0",
    };

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB");
}

/// <summary>One finding about this machine.</summary>
public sealed record DoctorCheck
{
    /// <summary>What was looked at ("libtorch", "numerics cuda:0").</summary>
    public required string Name { get; init; }

    /// <summary>False where training cannot run well without the remedy.</summary>
    public required bool Ok { get; init; }

    /// <summary>What was found.</summary>
    public required string Detail { get; init; }

    /// <summary>What to do about it; null where nothing is to be done.</summary>
    public string? Remedy { get; init; }
}

/// <summary>What <see cref="Doctor"/> looks at.</summary>
public sealed record DoctorOptions
{
    /// <summary>Folder of libtorch's libraries (<c>--libtorch</c>). Default null: the usual places.</summary>
    public string? LibTorchDirectory { get; init; }

    /// <summary>Folder whose disk is looked at: where caches and runs go. Default the current folder.</summary>
    public string Folder { get; init; } = Environment.CurrentDirectory;

    /// <summary>Least free disk space, in bytes. Default 2 GiB: two checkpoints of a small model and a demo cache.</summary>
    public long DiskBytes { get; init; } = 2L << 30;

    /// <summary>Least memory, in bytes. Default 4 GiB: ViT-B at batch 2 on the CPU.</summary>
    public long MemoryBytes { get; init; } = 4L << 30;

    /// <summary>Value of an environment variable by name. Default the process's own.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;
}
