using TorchSharp;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Profiling;

/// <summary>Times the phases of a step from within; on a GPU each phase waits for the device, which costs a little overlap.</summary>
internal sealed class PhaseClock(Device device, TimeProvider time) : IStepObserver
{
    public const string Forward = "forward", Backward = "backward", Optimizer = "optimizer";
    private const int TraceSpans = 1 << 12;

    private readonly TraceBuffer _trace = new(TraceSpans, time);
    private readonly Dictionary<string, List<double>> _ms = new(StringComparer.Ordinal) { [Forward] = [], [Backward] = [], [Optimizer] = [] };
    private long _origin;
    private long _mark;

    public double Mean(string phase) => _ms[phase].Average();

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
        double seconds = _ms.Values.Sum(phase => phase.Sum()) / 1000;
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
        double busy = sorted.Sum() / 1000;
        return new StageReport
        {
            Name = phase, Parallelism = 1, Count = sorted.Length, Failed = 0, MeanMs = sorted.Average(), P50Ms = sorted[sorted.Length / 2], P99Ms = sorted[(int)(0.99 * (sorted.Length - 1))],
            PutWait = 0, GetWait = Math.Max(0, seconds - busy), Occupancy = 0, Utilisation = busy / seconds, Bytes = 0, Remedy = remedy,
        };
    }

    private void Close(string phase)
    {
        long now = Now();
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
