using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using static TorchSharp.torch;

namespace Xkd.Cli.Commands;

/// <summary>How fast libtorch multiplies matrices here, and on MKL's other path, which only another process can take.</summary>
internal static class ProductsCheck
{
    /// <summary>Of <c>doctor</c>: makes it measure the products alone.</summary>
    public const string Flag = "--products";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>GFLOP/s of float32 products on all cores; loads libtorch.</summary>
    public static double Measure(string? libtorch)
    {
        LibTorch.Load(libtorch);
        Devices.SetThreads(0);
        return MatmulPeak.Measure(CPU, ScalarType.Float32, TimeProvider.System) / 1e9;
    }

    /// <summary>The finding; never a fault, for training runs on either path.</summary>
    public static DoctorCheck Run(string? libtorch)
    {
        var rate = Measure(libtorch);
        var measured = Gigaflops($"{rate:f0} GFLOP/s in float32 on {get_num_threads()} threads");
        if (LibTorch.Info.Mkl is not { } mkl)
        {
            return new DoctorCheck { Name = "products", Ok = true, Detail = $"{measured}; this libtorch has no MKL that tells its path" };
        }

        var other = mkl.Other is { } setting ? MeasureWith(setting, libtorch) : null;
        var beside = (mkl.Other, other) switch
        {
            (null, _) => mkl.Fast ? string.Empty : ", which costs a fifth to a half of the speed",
            (string value, double there) => Gigaflops($"; {there:f0} with {MklPath.Variable}={value}"),
            (string value, null) => $"; not measured with {MklPath.Variable}={value}",
        };
        var slower = other > rate;
        return new DoctorCheck
        {
            Name = "products",
            Ok = true,
            Detail = $"{measured}, MKL's {mkl.Name} path ({mkl.Reason}){beside}",
            Remedy = slower ? $"set {MklPath.Variable}={mkl.Other}, which is faster here" : null,
        };
    }

    // The same command asks in a process of its own. It cannot be told from a fault of that process, and need not be: the finding says that nothing was measured.
    private static double? MeasureWith(string setting, string? libtorch)
    {
        var program = Environment.ProcessPath!;
        string[] host = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        ProcessStartInfo start = new(program, [.. host, "doctor", Flag, "--json", .. libtorch is null ? Array.Empty<string>() : ["--libtorch", libtorch]])
        {
            UseShellExecute = false, RedirectStandardOutput = true, Environment = { [MklPath.Variable] = setting },
        };
        using var process = Process.Start(start);
        if (process is null)
        {
            return null;
        }

        var answer = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
        }

        return process.HasExited && process.ExitCode == 0 ? JsonDocument.Parse(answer.GetAwaiter().GetResult()).RootElement.GetProperty("gflops").GetDouble() : null;
    }

    private static string Gigaflops(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
