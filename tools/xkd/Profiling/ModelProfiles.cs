using System.Globalization;
using Xkd.Cli.Hosting;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Cli.Profiling;

/// <summary>The training step, by itself and behind its feed.</summary>
internal static class ModelProfiles
{
    public static ProfileOutcome Step(ProfileOptions options, Terminal terminal, CancellationToken stop)
    {
        var config = Load(options, "bench/scaled.yaml");
        StepProfiler profiler = new(config, Devices.Parse(options.Device), TimeProvider.System);
        List<StepProfile> profiles = [];
        foreach (var batch in options.Batches.Count > 0 ? options.Batches : [config.Batch])
        {
            terminal.Line($"batch {batch}");
            profiles.Add(profiler.Run(batch, stop));
        }

        var best = profiles.MaxBy(p => p.SamplesPerSecond)!;
        return new ProfileOutcome
        {
            What = "step", Device = best.Device, Samples = best.Batch * best.Report.Stages[0].Count, Threads = best.Threads, Report = best.Report, WriteTrace = best.WriteTrace,
            Figures = Figures(best),
            MeasuredHeadspace = 1, // nothing is fed: the step is all there is
            Sweep = profiles.Count > 1 ? [.. profiles.Select(p => Figures(p).ToDictionary(f => f.Key, f => (object)f.Value, StringComparer.Ordinal))] : [],
            Notes = [.. profiles.Select(p => string.Create(
                CultureInfo.InvariantCulture,
                $"batch {p.Batch}: {p.SamplesPerSecond:f2} samples/s; forward {p.ForwardMs:f1} ms, backward {p.BackwardMs:f1}, optimizer {p.OptimizerMs:f1}; {p.GflopPerSample:f1} GFLOP a sample is {p.Mfu:p1} of {p.MatmulTflops:f3} TFLOP/s in {p.MatmulType}; {p.PeakMemory / 1e9:f2} GB"))],
        };
    }

    public static async Task<ProfileOutcome> TrainAsync(PretrainConfig config, Cache cache, ProfileOptions options, CancellationToken stop)
    {
        TrainingProfiler profiler = new(config, cache, Devices.Parse(options.Device), options.Delays, TimeProvider.System);
        var p = await profiler.RunAsync(stop).ConfigureAwait(false);
        return new ProfileOutcome
        {
            What = "train", Device = p.Device, Samples = p.Samples, Report = p.Report, WriteTrace = p.WriteTrace,
            Threads = config.Train.Threads > 0 ? config.Train.Threads : Environment.ProcessorCount,
            Figures = new Dictionary<string, double>(StringComparer.Ordinal) { ["data_wait"] = p.DataWait, ["mfu"] = p.Mfu },
            MeasuredHeadspace = p.Headspace,
            MeasuredRate = p.SamplesPerSecond,
            Notes =
            [
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{p.SamplesPerSecond:f1} samples/s, MFU {p.Mfu:p1}, headspace {p.Headspace:f3}, {p.DataWait:p1} of the time waiting for data; its consumer is the step"),
                "headspace: the rate on a batch that stays over the rate with the feed, median of rounds "
                    + string.Join(", ", p.Rounds.Select(r => r.ToString("f3", CultureInfo.InvariantCulture))),
            ],
        };
    }

    public static PretrainConfig Load(ProfileOptions options, string otherwise) =>
        PretrainConfig.Load(options.Config ?? Path.Combine(AppContext.BaseDirectory, "configs", otherwise), options.Set);

    private static Dictionary<string, double> Figures(StepProfile p) => new(StringComparer.Ordinal)
    {
        ["batch"] = p.Batch, ["forward_ms"] = p.ForwardMs, ["backward_ms"] = p.BackwardMs, ["optimizer_ms"] = p.OptimizerMs, ["gflop_per_sample"] = p.GflopPerSample,
        ["matmul_tflops"] = p.MatmulTflops, ["mfu"] = p.Mfu, ["peak_memory"] = p.PeakMemory,
    };
}
