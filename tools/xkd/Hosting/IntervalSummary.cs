using System.Globalization;
using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>What is shown of the steps of one interval: means, but for what has a last value.</summary>
/// <param name="Steps">The interval's steps, never empty.</param>
/// <param name="TotalSteps">The step after which this start ends.</param>
/// <param name="Epochs">Of the whole run.</param>
/// <param name="Left">Time that the rest of the run will take at the smoothed pace.</param>
internal sealed record IntervalSummary(IReadOnlyList<StepMetrics> Steps, long TotalSteps, int Epochs, TimeSpan Left)
{
    public StepMetrics Last => Steps[^1];

    public double Share => (double)Last.Step / TotalSteps;

    public string Memory => Last.GpuMemory > 0 ? $"rss {Last.Rss / 1e9:f2} GB, gpu {Last.GpuMemory / 1e9:f2} GB" : $"rss {Last.Rss / 1e9:f2} GB";

    public string Eta => Durations.Text(Left);

    public string Epoch => $"epoch {Last.Epoch + 1}/{Epochs}";

    public string Lr => $"lr {Last.Lr:0.0e-0}";

    /// <summary>Of a GPU alone: a CPU's peak is another at each start.</summary>
    private string Mfu => Last.GpuMemory > 0 ? $", MFU {Mean(s => s.Mfu):p1}" : string.Empty;

    public string Speed =>
        $"{Mean(s => s.Ms):f0} ms/step, {Mean(s => s.SamplesPerSecond):f1} samples/s, data wait {Mean(s => s.DataWait):p1}{Mfu}";

    public double Mean(Func<StepMetrics, double> of) => Steps.Average(of);

    /// <summary>Where the temperatures are high, gradients are small.</summary>
    public string GradNorm => Mean(s => s.GradNorm).ToString(Mean(s => s.GradNorm) >= 0.1 ? "f2" : "g2", CultureInfo.InvariantCulture);

    /// <summary>The terms of the loss, as <c>name mean</c>: they come before it. What is only watched is in the metrics, and what it means is told by the run's health.</summary>
    public IEnumerable<string> Terms => Last.Scalars.Keys.TakeWhile(name => name != "loss").Select(name => $"{name} {Mean(s => s.Scalars[name]):g4}");

    /// <summary>The plain line.</summary>
    public string Line =>
        $"step {Last.Step}/{TotalSteps} ({100 * Share:f1}%) | {Epoch} | loss {Mean(s => s.Loss):f4} | {string.Join(' ', Terms)} | {Speed} | " +
        $"{Lr} | grad {GradNorm} | {Memory} | ETA {Eta}";
}
