using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd train</c>: pre-train on a cache, alone or as one of the ranks that mpirun or srun started.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var config = ConfigNames.Accept(
            new Option<string?>("--config") { Description = "A file, or a name of configs/pretrain such as xkd or tiny; with --resume by default the run's own." }, "pretrain");
        Option<string[]> data = new("--data")
        {
            Description = "The cache, a folder or s3://bucket/prefix; repeatable, and as CACHE@WEIGHT drawn by weight. By default data.caches of the configuration, with --resume the run's own.",
            DefaultValueFactory = _ => [],
        };
        Option<string[]> weights = new("--weights") { Description = "Start from these: a run, an official file, or one encoder's export; repeatable, one for each encoder.", DefaultValueFactory = _ => [] };
        var where = CommonOptions.Where();
        var ids = CommonOptions.Ids();
        var cacheSize = CommonOptions.CacheSize();
        var output = Outputs.Folder(CommonOptions.RequiredPath("--out", "The run folder."));
        Option<string?> resume = new("--resume") { Description = "Continue the run in --out; `auto` starts one where there is none.", Arity = ArgumentArity.ZeroOrOne };
        resume.AcceptOnlyFromAmong("auto");
        var seed = Numbers.Optional<long>("--seed", "Seed of initialisation, order and augmentation; the same as --set seed=N.", CommonOptions.Seeds);
        var set = CommonOptions.Set();
        var maxSteps = Numbers.Optional<long>("--max-steps", "Stop after this many optimizer steps of the run, with a checkpoint.", new NumberRange(0, long.MaxValue, above: true));
        var maxHours = Numbers.Optional<double>("--max-hours", "Stop after this many hours with a checkpoint and exit code 75.", new NumberRange(0, 1_000_000, above: true));
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        Option<bool> dryRun = new("--dry-run") { Description = "Write nothing: show the whole configuration, the data, the steps, and the memory that a step takes." };
        Option<bool> profile = new("--profile") { Description = "Show what every feed stage measured, and write it as profile.html, profile.json and trace.json into the run folder." };
        Option<string?> mlflow = new("--mlflow")
        {
            Description = "Send parameters and every step's metrics to this MLflow server, such as http://localhost:5000; without a value to that of MLFLOW_TRACKING_URI, which by itself sends nothing. "
                + "MLFLOW_EXPERIMENT_NAME (xkd), MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD hold. Training never waits for the server, but up to 10 s at its end; "
                + "with --resume what still waits in the run is sent.",
            Arity = ArgumentArity.ZeroOrOne,
            HelpName = "URI",
        };
        var otlp = Telemetry.Option();
        var delays = CommonOptions.DelayStage();
        Command command = new("train", "Pre-train on a cache.")
        {
            config, data, weights, where, ids, cacheSize, output, resume, seed, set, maxSteps, maxHours, device, libtorch, dryRun, profile, mlflow, otlp, delays,
        };
        command.SetAction(async (parsed, _) =>
        {
            var overrides = parsed.GetValue(set)!;
            if (parsed.GetValue(seed) is long s)
            {
                overrides = [.. overrides, $"seed={s}"];
            }

            RunFolder run = new(parsed.GetValue(output)!);
            var resumes = parsed.GetResult(resume) is not null && run.HasRun;
            var path = parsed.GetValue(config) ?? (resumes ? run.Config : null);
            var loaded = PretrainConfig.Load(
                path ?? throw new UsageException($"--config is missing; name a file, or one of {string.Join(", ", ConfigNames.Names("pretrain"))}"), overrides);
            if (parsed.GetResult(where) is { Implicit: false } || parsed.GetResult(ids) is { Implicit: false })
            {
                loaded = loaded with { Data = loaded.Data with { Where = parsed.GetValue(where)!, Ids = parsed.GetValue(ids) ?? "" } };
            }

            LibTorch.Load(parsed.GetValue(libtorch));
            TrainerOptions options = new()
            {
                Config = loaded,
                Data = parsed.GetValue(data)!,
                Weights = parsed.GetValue(weights)!,
                Objects = CommonOptions.Objects(parsed.GetValue(cacheSize)),
                Out = parsed.GetValue(output)!,
                Resume = parsed.GetValue(resume) == "auto" ? ResumeMode.Auto : parsed.GetResult(resume) is null ? ResumeMode.Never : ResumeMode.Required,
                MaxSteps = parsed.GetValue(maxSteps),
                MaxTime = parsed.GetValue(maxHours) is double h ? TimeSpan.FromHours(h) : null,
                Device = parsed.GetValue(device)!,
                Profile = parsed.GetValue(profile),
                Mlflow = parsed.GetResult(mlflow) is null ? null : MlflowOptions.FromEnvironment(parsed.GetValue(mlflow)),
                StageDelays = parsed.GetValue(delays)!,
            };
            var terminal = Terminal.Of(parsed);
            if (parsed.GetValue(dryRun))
            {
                return await ForecastAsync(options, terminal).ConfigureAwait(false);
            }

            using var telemetry = RankEnvironment.Detect().Rank == 0 ? Telemetry.Start(parsed, otlp, terminal) : null; // the first rank measures for all
            return await RunAsync(options, terminal).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> ForecastAsync(TrainerOptions options, Terminal terminal)
    {
        var forecast = await TrainingForecast.OfAsync(options).ConfigureAwait(false);
        terminal.Result(ConfigBinder.ToYaml(options.Config).TrimEnd().Replace("\n", "\n  ", StringComparison.Ordinal).Insert(0, "  "));
        foreach (var line in TrainingText.Of(forecast, options))
        {
            terminal.Result(line);
        }

        return ExitCodes.Done;
    }

    // A panel, or a line per interval, from rank 0.
    private static async Task<int> RunAsync(TrainerOptions options, Terminal terminal)
    {
        using StopSignals signals = new();
        using var ranks = RankGroup.Open(RankEnvironment.Detect());
        var result = await TrainingView.TrainAsync(options, terminal, TimeProvider.System, signals.Token, ranks).ConfigureAwait(false);
        if (ranks.IsFirst)
        {
            Report(options, terminal, result);
        }

        return signals.ExitCode ?? (result.Stopped ? ExitCodes.Requeue : ExitCodes.Done);
    }

    private static void Report(TrainerOptions options, Terminal terminal, TrainResult result)
    {
        if (options.Profile)
        {
            GraphReportText.Write(result.Feed, terminal);
            terminal.Result($"  {Path.Combine(options.Out, "profile.html")}");
        }
        else if (result.Last is not null)
        {
            terminal.Line($"  {result.Feed.Remedy}");
        }

        terminal.Result(TrainingText.Of(result, options));
        terminal.Next([.. TrainingText.Next(result, options)]);
    }
}
