using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd doctor</c>: what this machine has and lacks, or what a configuration costs.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var model = ConfigNames.Accept(
            new Option<string?>("--model") { Description = "Print parameters and matrix work of this configuration, a file or a name such as tiny, instead." }, "pretrain");
        var set = CommonOptions.Set();
        var libtorch = CommonOptions.LibTorch();
        Option<bool> products = new(ProductsCheck.Flag) { Description = "Measure matrix products alone, on the path of MKL that XKD_MKL gives." };
        Option<string?> install = new("--install-libtorch")
        {
            Description = $"Fetch libtorch for the CPU (130 MB) and unpack it below ~/.cache/xkd, or into --libtorch. SOURCE is a NuGet feed ({LibTorchPackage.PublicFeed} "
                + "where it is left out), the .nupkg file, or a folder with it.",
            HelpName = "source", Arity = ArgumentArity.ZeroOrOne,
        };
        var json = CommonOptions.Json();
        Command command = new("doctor", "Check the machine, or the cost of a configuration.") { model, set, libtorch, install, products, json };
        command.SetAction(async (parsed, stop) =>
        {
            var terminal = Terminal.Of(parsed, json);
            var folder = parsed.GetValue(libtorch);
            if (parsed.GetValue(products))
            {
                return Products(folder, terminal);
            }

            if (parsed.GetValue(model) is string config)
            {
                return Cost(config, parsed.GetValue(set)!, terminal);
            }

            if (parsed.GetResult(install) is not null)
            {
                folder ??= LibTorchPackage.DefaultFolder;
                await InstallAsync(parsed.GetValue(install) ?? LibTorchPackage.PublicFeed, folder, terminal, stop).ConfigureAwait(false);
            }

            return Machine(folder, terminal);
        });
        return command;
    }

    private static async Task InstallAsync(string source, string folder, Terminal terminal, CancellationToken stop)
    {
        ProgressLine line = new(terminal, "MB of libtorch", TimeProvider.System, TimeSpan.FromSeconds(10));
        await new LibTorchPackage().InstallAsync(source, folder, new Fetched(line), stop).ConfigureAwait(false);
        terminal.Line($"libtorch is in {folder}");
    }

    private static int Machine(string? libtorch, Terminal terminal)
    {
        List<DoctorCheck> checks = [.. Doctor.Run(new DoctorOptions { LibTorchDirectory = libtorch })];
        if (checks[0].Ok)
        {
            checks.Insert(1, ProductsCheck.Run(libtorch));
        }

        checks.Add(Ffmpeg());
        foreach (var check in checks)
        {
            terminal.Check(check.Ok, $"{check.Name}: {check.Detail}{(check.Ok || check.Remedy is null ? string.Empty : $"\n     {check.Remedy}")}");
        }

        var ok = checks.All(c => c.Ok);
        if (terminal.Json)
        {
            Terminal.WriteJson(new { schema = 1, ok, checks });
        }

        if (ok)
        {
            terminal.Next("xkd demo");
        }

        return ok ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static int Products(string? libtorch, Terminal terminal)
    {
        var gflops = ProductsCheck.Measure(libtorch);
        if (terminal.Json)
        {
            Terminal.WriteJson(new { schema = 1, gflops, mkl = LibTorch.Info.Mkl?.Name });
            return ExitCodes.Done;
        }

        terminal.Result(FormattableString.Invariant($"{gflops:f1} GFLOP/s{(LibTorch.Info.Mkl is { } mkl ? $", MKL's {mkl.Name} path" : string.Empty)}"));
        return ExitCodes.Done;
    }

    private static DoctorCheck Ffmpeg()
    {
        try
        {
            var tools = FfmpegTools.Locate();
            return new DoctorCheck { Name = "ffmpeg", Ok = true, Detail = $"{tools.Version}, {tools.Ffmpeg}, {tools.Ffprobe}" };
        }
        catch (XkdException e)
        {
            return new DoctorCheck { Name = "ffmpeg", Ok = false, Detail = e.Message, Remedy = "apt-get install ffmpeg" };
        }
    }

    private static int Cost(string path, string[] overrides, Terminal terminal)
    {
        var config = PretrainConfig.Load(path, overrides);
        var cost = ModelCost.Of(config);
        double GFlop(TeacherView view) => ModelCost.Of(config with { Objective = config.Objective with { TeacherView = view } }).FlopPerSample / 1e9;
        double global = GFlop(TeacherView.Global), firstLocal = GFlop(TeacherView.FirstLocal);
        if (terminal.Json)
        {
            Terminal.WriteJson(new { schema = 1, trainable = cost.Trainable, total = cost.Total, parts = cost.Parts, gflop_per_sample = new { global, first_local = firstLocal } });
            return ExitCodes.Done;
        }

        terminal.Result($"{path}: {cost.Trainable / 1e6:f3} M trainable of {cost.Total / 1e6:f3} M parameters");
        foreach ((var part, var count) in cost.Parts)
        {
            terminal.Result($"  {part,-28} {count / 1e6,9:f3} M");
        }

        terminal.Result($"  matrix work per sample: {global:f1} GFLOP with the teachers on the global view, {firstLocal:f1} on the first local one");
        foreach (var pass in cost.Passes)
        {
            terminal.Result($"  {pass.Name,-28} {pass.Forward / 1e9,9:f1} GFLOP forward");
        }

        return ExitCodes.Done;
    }

    // Progress<T> would report from another thread, after the end.
    private sealed class Fetched(ProgressLine line) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => line.Report(value.Done >> 20, value.Total >> 20);
    }
}
