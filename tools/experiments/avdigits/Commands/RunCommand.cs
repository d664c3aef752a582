using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary><c>run</c>: the ablation, or what is left of it; <c>row</c>: one row on caches that are there, which is how <c>run</c> spreads over processes.</summary>
internal static class RunCommand
{
    private static readonly long[] DefaultSeeds = [0, 1, 2];

    public static Command Create()
    {
        var data = CommonOptions.RequiredPath("--data", "The corpus: a folder with train and val.");
        Option<string[]> rows = new("--row") { Description = "Rows to run: names of `rows`, or all; repeatable. Default: untrained, recon, xkd.", AllowMultipleArgumentsPerToken = true };
        var seeds = Numbers.Several<long>("--seed", "Seeds; repeatable. Default: 0 1 2.", CommonOptions.Seeds);
        var jobs = Numbers.Option("--jobs", "Rows at a time, each in a process of its own. Default: one per core at cpu size, else 1.", new NumberRange(0, 1024), 0);
        Parts parts = new();
        var command = parts.AddTo(new Command("run", "Run the rows that are not done yet, then write table and page. The same command continues after a stop."), data, rows, seeds, jobs);
        command.SetAction(async (parsed, _) =>
        {
            var options = parts.Options(parsed) with
            {
                Data = parsed.GetValue(data)!,
                Rows = Choose(parsed.GetValue(rows)),
                Seeds = parsed.GetValue(seeds) is { Length: > 0 } chosen ? [.. chosen.Distinct()] : DefaultSeeds,
                Jobs = parsed.GetValue(jobs) is > 0 and var j ? j : parsed.GetValue(parts.Size) == "cpu" ? Environment.ProcessorCount : 1,
            };
            LibTorch.Load(options.LibTorch);
            using StopSignals signals = new();
            return await new AblationRun(options, Terminal.Of(parsed), TimeProvider.System).RunAsync(signals).ConfigureAwait(false);
        });
        return command;
    }

    public static Command CreateRow()
    {
        var row = CommonOptions.RequiredPath("--row", "The row.");
        var seed = Numbers.Option("--seed", "The seed.", CommonOptions.Seeds, 0L);
        seed.DefaultValueFactory = null;
        seed.Required = true;
        Parts parts = new();
        var command = parts.AddTo(new Command("row", "One row with one seed, on caches that are there.") { Hidden = true }, row, seed);
        command.SetAction(async (parsed, _) =>
        {
            var chosen = Choose([parsed.GetValue(row)!])[0];
            var options = parts.Options(parsed) with { Rows = [chosen], Seeds = [parsed.GetValue(seed)] };
            LibTorch.Load(options.LibTorch);
            using StopSignals signals = new();
            var done = await new AblationRun(options, Terminal.Of(parsed), TimeProvider.System).RowAsync(chosen, options.Seeds[0], options.Limit, signals.Token).ConfigureAwait(false);
            return done ? ExitCodes.Done : signals.ExitCode ?? ExitCodes.Requeue;
        });
        return command;
    }

    private static IReadOnlyList<AblationRow> Choose(string[]? names)
    {
        if (names is null or { Length: 0 })
        {
            return AblationRow.Core;
        }

        return names.Contains("all", StringComparer.Ordinal)
            ? AblationRow.All
            : [.. names.Distinct(StringComparer.Ordinal).Select(n => AblationRow.All.FirstOrDefault(r => r.Name == n) ?? throw new UsageException($"--row {n}: no such row; write {string.Join(", ", AblationRow.All.Select(r => r.Name))}, or all"))];
    }

    /// <summary>What both commands take.</summary>
    private sealed class Parts
    {
        private readonly Option<string> _out = CommonOptions.RequiredPath("--out", "The ablation's folder.");
        private readonly Option<double?> _maxMinutes = Numbers.Optional<double>("--max-minutes", "Stop with checkpoints after this many minutes and exit code 75.", new NumberRange(0, 1_000_000, above: true));
        private readonly Option<string> _device = CommonOptions.Device();
        private readonly Option<string[]> _set = CommonOptions.Set();

        public Option<string> Size { get; } = CommonOptions.Choice("--size", "cpu: well under an hour on two cores; gpu: meant for half an hour on one GPU, not measured yet.", [.. AblationSize.All.Select(s => s.Name)]);

        public Option<string?> LibTorchFolder { get; } = CommonOptions.LibTorch();

        public Command AddTo(Command command, params Option[] own)
        {
            foreach (var option in (Option[])[Size, .. own, _out, _maxMinutes, _device, LibTorchFolder, _set])
            {
                command.Add(option);
            }

            return command;
        }

        public AblationOptions Options(ParseResult parsed) => new()
        {
            Size = AblationSize.Of(parsed.GetValue(Size)!),
            Out = parsed.GetValue(_out)!,
            Rows = [],
            Seeds = [],
            Device = parsed.GetValue(_device)!,
            Limit = parsed.GetValue(_maxMinutes) is double minutes ? TimeSpan.FromMinutes(minutes) : null,
            LibTorch = parsed.GetValue(LibTorchFolder),
            Overrides = parsed.GetValue(_set)!,
        };
    }
}
