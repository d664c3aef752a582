using System.Globalization;
using Xkd.Cli.Hosting;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;

namespace Xkd.Cli.Profiling;

/// <summary><c>xkd profile plan</c>: a training step predicted part by part; beside what it takes where the device is here.</summary>
internal static class PlanProfile
{
    /// <summary>The device that is predicted without being here.</summary>
    public const string Remote = "h200";

    public static void Run(ProfileOptions options, string? libtorch, long clips, Terminal terminal, CancellationToken stop)
    {
        var path = options.Config ?? Path.Combine(AppContext.BaseDirectory, "configs", "pretrain", "xkd.yaml");
        var config = PretrainConfig.Load(path, options.Set);
        var here = options.Device is not (Remote or "auto");
        if (here)
        {
            LibTorch.Load(libtorch);
            Devices.SetThreads(config.Train.Threads);
        }

        var rates = here ? DeviceRates.Measure(Devices.Parse(options.Device), config, TimeProvider.System) : DeviceRates.H200;
        var largest = rates.Memory > 0 ? StepPlan.LargestBatch(config, rates) : 0;
        List<object> plans = [];
        foreach (var batch in options.Batches.Count > 0 ? options.Batches : [config.Batch])
        {
            stop.ThrowIfCancellationRequested();
            var plan = StepPlan.Of(config, rates, batch);
            var measured = here ? new StepProfiler(config, Devices.Parse(options.Device), TimeProvider.System).Run(batch, stop) : null;
            Write(plan, measured, config, clips, terminal);
            plans.Add(new
            {
                batch, step_ms = 1000 * plan.Seconds, mfu = plan.Mfu, samples_per_s = plan.SamplesPerSecond, memory = plan.Memory, gflop_per_sample = plan.Flop / batch / 1e9,
                hours = Hours(plan, config, clips), parts = plan.Rows.Select(Figures),
                measured = measured is null ? null : new { forward_ms = measured.ForwardMs, backward_ms = measured.BackwardMs, optimizer_ms = measured.OptimizerMs },
            });
        }

        if (largest > 0)
        {
            var devices = Math.Max(1, (config.Batch + largest - 1) / largest);
            terminal.Line($"  the largest batch, in doublings, that fits {Gigabytes(rates.Memory)}: {largest}; a global batch of {config.Batch} takes at least {devices}");
        }

        if (terminal.Json)
        {
            Terminal.WriteJson(new { schema = 1, what = "plan", device = rates.Name, products_tflops = rates.Products / 1e12, memory = rates.Memory, largest_batch = largest, plans });
        }
    }

    private static void Write(StepPlan plan, StepProfile? measured, PretrainConfig config, long clips, Terminal terminal)
    {
        terminal.Line(string.Create(CultureInfo.InvariantCulture, $"batch {plan.Batch} on {plan.Device}, {(measured is null ? "predicted" : "predicted from rates measured here")}:"));
        terminal.Line($"  {"ms",-16}{"products",12}{"attention",12}{"pointwise",12}{"sum",12}{"memory",12}");
        foreach (var row in plan.Rows)
        {
            terminal.Line(string.Create(CultureInfo.InvariantCulture,
                $"  {row.Name,-16}{1000 * row.Time.Products,12:f1}{1000 * row.Time.Attention,12:f1}{1000 * row.Time.Pointwise,12:f1}{1000 * row.Time.Sum,12:f1}{Gigabytes(row.Memory),12}"));
        }

        terminal.Line(string.Create(CultureInfo.InvariantCulture,
            $"  step {1000 * plan.Seconds:f1} ms, {plan.SamplesPerSecond:f1} samples/s, {plan.Mfu:p1} of {plan.Products / 1e12:f3} TFLOP/s; {Gigabytes(plan.Memory)}"));
        if (measured is not null)
        {
            var (forward, backward, update) = plan.Phases;
            foreach (var (name, predicted, found) in new[]
            {
                ("forward", 1000 * forward, measured.ForwardMs), ("backward", 1000 * backward, measured.BackwardMs), ("update", 1000 * update, measured.OptimizerMs),
                ("step", 1000 * plan.Seconds, measured.ForwardMs + measured.BackwardMs + measured.OptimizerMs),
            })
            {
                terminal.Line(string.Create(CultureInfo.InvariantCulture, $"  {name,-16}{predicted,12:f1} ms predicted, {found,12:f1} measured, ratio {predicted / found:f2}"));
            }
        }

        terminal.Line(string.Create(CultureInfo.InvariantCulture,
            $"  the recipe, {config.Optim.Epochs} epochs of {clips} clips: {Hours(plan, config, clips):f1} hours on one"));
    }

    private static double Hours(StepPlan plan, PretrainConfig config, long clips) => config.Optim.Epochs * (double)clips / plan.SamplesPerSecond / 3600;

    private static object Figures(PlanRow row) => new
    {
        part = row.Name, products_ms = 1000 * row.Time.Products, attention_ms = 1000 * row.Time.Attention, pointwise_ms = 1000 * row.Time.Pointwise, memory = row.Memory,
    };

    private static string Gigabytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:f2} GB");
}
