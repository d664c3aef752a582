using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>One line per log interval: how far, the losses, the speed, what it waits for, and how long it will take.</summary>
internal sealed class TrainingLines(Terminal terminal, TimeProvider time) : ITrainingObserver
{
    private const double Smoothing = 0.9;

    private double _stepMs;

    public void Note(string text) => terminal.Line(text);

    public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps)
    {
        StepMetrics last = steps[^1];
        double Mean(Func<StepMetrics, double> of) => steps.Average(of);
        double ms = Mean(s => s.Ms);
        _stepMs = _stepMs == 0 ? ms : (_stepMs * Smoothing) + (ms * (1 - Smoothing));
        DateTimeOffset end = time.GetLocalNow() + TimeSpan.FromMilliseconds(_stepMs * (totalSteps - last.Step));
        terminal.Line(
            $"step {last.Step}/{totalSteps} ({100.0 * last.Step / totalSteps:f1}%) | loss {Mean(s => s.Loss):f4} | recon v {Mean(s => s.ReconVideo):f4} a {Mean(s => s.ReconAudio):f4} | " +
            $"kd v2a {Mean(s => s.KdV2A):f3} a2v {Mean(s => s.KdA2V):f3} | align {Mean(s => s.AlignStudent):f3} | {ms:f0} ms/step | {Mean(s => s.SamplesPerSecond):f1} samples/s | " +
            $"data {Mean(s => s.DataWait):p1} | mfu {Mean(s => s.Mfu):p1} | lr {last.Lr:e2} | grad {Mean(s => s.GradNorm):f2} | rss {last.Rss / 1e9:f2} GB | ETA {end - time.GetLocalNow():d\\.hh\\:mm\\:ss}");
    }
}
