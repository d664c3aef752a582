using System.Diagnostics;
using TorchSharp;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>Runs the training step by itself on random input and times its phases.</summary>
public sealed class StepProfiler(PretrainConfig config, Device device, TimeProvider time)
{
    private const int Warm = 2, Steps = 8;
    private const long StepsPerEpoch = 100;

    /// <summary>Measures at one batch size.</summary>
    public StepProfile Run(int batch, CancellationToken stop)
    {
        Devices.SetThreads(config.Train.Threads);
        using XkdModel model = new(config, (ulong)config.Seed, device);
        using XkdStep step = new(model);
        TrainingSchedule schedule = new(config, StepsPerEpoch);
        var peak = MatmulPeak.Measure(device, step.ProductType, time);
        using var scope = NewDisposeScope();
        var input = XkdInput.Random(config, batch, seed: 0, device);
        PhaseClock? clock = null;
        for (var i = 0; i < Warm + Steps; i++)
        {
            stop.ThrowIfCancellationRequested();
            step.Observer = clock = i == Warm ? new PhaseClock(device, time) : clock;
            clock?.Begin();
            using var scalars = step.Run(input, schedule.At(i));
            clock?.End();
        }

        using var self = Process.GetCurrentProcess();
        var memory = device.type == DeviceType.CUDA ? CudaDriver.Memory().Used : self.PeakWorkingSet64;
        return new StepProfile(
            device.ToString(), get_num_threads(), batch, ModelCost.Of(config).FlopPerSample / 1e9, peak / 1e12,
            step.ProductType.ToString().ToLowerInvariant(), memory, clock!.Report(), clock.WriteTrace);
    }

}

/// <summary>What the training step costs by itself, on random input.</summary>
/// <param name="Device">The device, as libtorch names it.</param>
/// <param name="Threads">Intra-op threads.</param>
/// <param name="Batch">Clips a step.</param>
/// <param name="GflopPerSample">Matrix work of one sample, forward and backward, GFLOP.</param>
/// <param name="MatmulTflops">Measured peak of matrix work, TFLOP/s.</param>
/// <param name="MatmulType">What it was measured in, and the step computes its products in: float32 or bfloat16.</param>
/// <param name="PeakMemory">Bytes: the process's largest resident set, on a GPU what is in use there after the steps.</param>
/// <param name="Report">The phases as stages: forward with teachers and objectives, backward, optimizer with clipping and moving averages.</param>
/// <param name="WriteTrace">Writes the phases as a Chrome trace.</param>
public sealed record StepProfile(
    string Device, int Threads, int Batch, double GflopPerSample, double MatmulTflops, string MatmulType, long PeakMemory, GraphReport Report,
    Action<Stream> WriteTrace)
{
    /// <summary>Mean milliseconds of each phase.</summary>
    public double ForwardMs => Report.Stages[0].MeanMs;

    public double BackwardMs => Report.Stages[1].MeanMs;

    public double OptimizerMs => Report.Stages[2].MeanMs;

    /// <summary>Clips a second.</summary>
    public double SamplesPerSecond => 1000 * Batch / (ForwardMs + BackwardMs + OptimizerMs);

    /// <summary>Share of the measured peak, 0 to 1.</summary>
    public double Mfu => SamplesPerSecond * GflopPerSample / (1000 * MatmulTflops);
}

/// <summary>Times the phases of a step from within; on a GPU each phase waits for the device, which costs a little overlap.</summary>
internal sealed class PhaseClock(Device device, TimeProvider time) : IStepObserver
{
    private const string Forward = "forward", Backward = "backward", Optimizer = "optimizer";
    private const int TraceSpans = 1 << 12;

    private readonly TraceBuffer _trace = new(TraceSpans, time);
    private readonly Dictionary<string, List<double>> _ms = new(StringComparer.Ordinal) { [Forward] = [], [Backward] = [], [Optimizer] = [] };
    private long _origin;
    private long _mark;

    /// <summary>A step begins.</summary>
    public void Begin()
    {
        _mark = Now();
        _origin = _origin == 0 ? _mark : _origin;
    }

    /// <summary>The step is over.</summary>
    public void End() => Close(Optimizer);

    public void Forwarded(XkdOutput output) => Close(Forward);

    public void Differentiated() => Close(Backward);

    /// <summary>The phases as the stages of a report: they follow each other on one thread, so each waits while the others work.</summary>
    public GraphReport Report()
    {
        var seconds = _ms.Values.Sum(phase => phase.Sum()) / 1000;
        return GraphReport.Of("step", seconds, [
            Stage(Forward, seconds, "use a larger GPU, mixed precision or fewer local views"),
            Stage(Backward, seconds, "use a larger GPU, mixed precision or fewer local views"),
            Stage(Optimizer, seconds, "raise the batch: the optimizer costs the same for any"),
        ]);
    }

    public void WriteTrace(Stream stream) => _trace.Write(stream, "step", [Forward, Backward, Optimizer], _origin, []);

    private StageReport Stage(string phase, double seconds, string remedy)
    {
        double[] sorted = [.. _ms[phase].Order()];
        var busy = sorted.Sum() / 1000;
        return new StageReport
        {
            Name = phase, Parallelism = 1, Count = sorted.Length, Failed = 0,
            MeanMs = sorted.Average(), P50Ms = sorted[sorted.Length / 2], P99Ms = sorted[(int)(0.99 * (sorted.Length - 1))],
            PutWait = 0, GetWait = Math.Max(0, seconds - busy), Occupancy = 0, Utilisation = busy / seconds, Bytes = 0, Remedy = remedy,
        };
    }

    private void Close(string phase)
    {
        var now = Now();
        _ms[phase].Add(time.GetElapsedTime(_mark, now).TotalMilliseconds);
        _trace.Add(phase, 0, _mark, now);
        _mark = now;
    }

    private long Now()
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }

        return time.GetTimestamp();
    }
}
