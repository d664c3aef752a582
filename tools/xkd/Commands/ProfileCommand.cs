using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Cli.Profiling;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd profile</c>: where one part of the main job spends its time.</summary>
internal static class ProfileCommand
{
    public static Command Create()
    {
        Argument<string> what = new("what") { HelpName = "part", Description = "ingest: media into a cache; decode: its first half; mel: the log-mel kernel; loader: a cache into augmented batches; step: the training step on random input; train: the step behind its feed; svm: fits of a linear SVM; plan: the step predicted part by part, for an h200 without one, for --device cpu or cuda from measured rates and beside what it takes there." };
        what.AcceptOnlyFromAmong([.. Profiler.Names, "plan"]);
        Option<string?> data = new("--data") { Description = "loader, train: read this cache instead of a generated one." };
        var config = ConfigNames.Accept(new Option<string?>("--config") { Description = "loader, step, train, plan: the configuration; by default the released recipe at batch 8, configs/bench/scaled.yaml, configs/pretrain/tiny.yaml, xkd.yaml." }, "pretrain");
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        var clips = Numbers.Optional<long>(
            "--clips", $"ingest, decode: clips of 10 s that are generated ({Profiler.Clips}). plan: clips of an epoch (240,000).", new NumberRange(1, long.MaxValue));
        var batches = Numbers.Several<int>("--batch", "step, plan: batch sizes, measured one after the other, such as --batch 4 8 16.", new NumberRange(1, 1_000_000));
        Option<bool> sweep = new("--sweep") { Description = "loader: measure at several numbers of workers." };
        var set = CommonOptions.Set();
        var output = Outputs.Folder(new Option<string?>("--out") { Description = "Folder for trace.json (chrome://tracing, Perfetto) and profile.html." });
        var delays = CommonOptions.DelayStage();
        var json = CommonOptions.Json();
        Command command = new("profile", "Measure one part by itself and name its bottleneck.") { what, data, config, set, device, libtorch, batches, clips, sweep, output, delays, json };
        command.SetAction(async (parsed, _) =>
        {
            using StopSignals signals = new();
            var terminal = Terminal.Of(parsed, json);
            RequireFitting(parsed, parsed.GetValue(what)!,
            [
                (data, ["loader", "train"]), (config, ["loader", "step", "train", "plan"]), (set, ["loader", "step", "train", "plan"]),
                (device, ["step", "train", "plan"]), (clips, ["ingest", "decode", "plan"]), (batches, ["step", "plan"]), (sweep, ["loader"]),
                (delays, ["ingest", "decode", "loader", "train"]), (output, Profiler.Names),
            ]);
            ProfileOptions options = new()
            {
                Data = parsed.GetValue(data), Config = parsed.GetValue(config), Set = parsed.GetValue(set)!, Delays = parsed.GetValue(delays)!, Device = parsed.GetValue(device)!,
                Batches = parsed.GetValue(batches)!, Clips = parsed.GetValue(clips), Sweep = parsed.GetValue(sweep),
            };
            if (parsed.GetValue(what) == "plan")
            {
                var epoch = parsed.GetValue(clips) ?? 240_000;
                await Task.Run(() => PlanProfile.Run(options, parsed.GetValue(libtorch), epoch, terminal, signals.Token), CancellationToken.None).ConfigureAwait(false);
                return ExitCodes.Done;
            }

            if (parsed.GetValue(what) is "step" or "train" or "svm")
            {
                LibTorch.Load(parsed.GetValue(libtorch));
            }

            var folder = Directory.CreateTempSubdirectory("xkd-profile-").FullName;
            try
            {
                var outcome = await new Profiler(folder, options, terminal).RunAsync(parsed.GetValue(what)!, signals.Token).ConfigureAwait(false);
                Write(outcome, terminal, parsed.GetValue(output));
                return ExitCodes.Done;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }

    // An option that would do nothing was meant for something.
    private static void RequireFitting(ParseResult parsed, string what, IEnumerable<(Option Option, IReadOnlyList<string> Parts)> fitting)
    {
        foreach (var (option, parts) in fitting)
        {
            if (parsed.GetResult(option) is { Implicit: false } && !parts.Contains(what))
            {
                throw new UsageException($"profile {what} has no use for {option.Name}: it is for {string.Join(", ", parts)}");
            }
        }
    }

    private static void Write(ProfileOutcome outcome, Terminal terminal, string? folder)
    {
        GraphReportText.Write(outcome.Report, terminal);
        foreach (var note in outcome.Notes)
        {
            terminal.Result($"  {note}");
        }

        if (folder is not null)
        {
            GraphProfile.Write(folder, $"XKD profile: {outcome.What}", outcome.Report, [$"{outcome.Rate:f1} samples a second.", .. outcome.Notes], outcome.WriteTrace);
            terminal.Result($"  {folder}/profile.html, trace.json");
            terminal.Next($"xdg-open {folder}/profile.html");
        }

        if (terminal.Json)
        {
            Dictionary<string, object> result = new(StringComparer.Ordinal)
            {
                ["schema"] = 1, ["what"] = outcome.What, ["device"] = outcome.Device, ["threads"] = outcome.Threads, ["seconds"] = outcome.Report.Seconds, ["samples_per_s"] = outcome.Rate,
                ["stages"] = outcome.Report.Stages, ["wait_ratios"] = outcome.Report.WaitRatios, ["bottleneck"] = outcome.Report.Bottleneck, ["remedy"] = outcome.Report.Remedy,
                ["headspace"] = outcome.Headspace,
            };
            foreach ((var name, var value) in outcome.Figures)
            {
                result[name] = value;
            }

            if (outcome.Sweep.Count > 0)
            {
                result["sweep"] = outcome.Sweep;
            }

            foreach ((var name, var values) in outcome.Tables)
            {
                result[name] = values;
            }

            Terminal.WriteJson(result);
        }
    }
}
