using System.Diagnostics.Metrics;
using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>A run's steps as instruments of the meter "Xkd", whose newest values an exporter takes. Nothing is done while nobody listens.</summary>
internal sealed class TrainingMeter : IDisposable
{
    private static readonly double[] Seconds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];

    private readonly Meter _meter = new(StageGauges.MeterName);
    private readonly StageGauges _stages = new();
    private readonly Histogram<double> _duration;
    private readonly Gauge<long> _step, _skipped, _memory;
    private readonly Gauge<double> _scalar, _rate, _throughput, _wait, _mfu;

    public TrainingMeter()
    {
        _duration = _meter.CreateHistogram(
            "xkd.train.step.duration", "s", "Time of an optimizer step, the wait for its batch included.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
        _step = _meter.CreateGauge<long>("xkd.train.step.number", "{step}", "Optimizer steps done since the run began.");
        _scalar = _meter.CreateGauge<double>("xkd.train.scalar", "1", "The loss, its terms and what is watched beside them, by xkd.scalar.name.");
        _rate = _meter.CreateGauge<double>("xkd.train.learning_rate", "1", "Learning rate.");
        _throughput = _meter.CreateGauge<double>("xkd.train.throughput", "{clip}/s", "Clips of all ranks in a second.");
        _wait = _meter.CreateGauge<double>("xkd.train.data_wait", "1", "Share of the step spent waiting for its batch.");
        _mfu = _meter.CreateGauge<double>("xkd.train.flops.utilization", "1", "Matrix work done over the measured peak of the device (MFU).");
        _memory = _meter.CreateGauge<long>("xkd.train.memory.usage", "By", "Memory in use, by xkd.memory.type: the process's resident set, or the device's.");
        _skipped = _meter.CreateGauge<long>("xkd.train.clips.skipped", "{clip}", "Damaged clips left out since the run began.");
    }

    public void Record(IReadOnlyList<StepMetrics> steps, GraphReport feed)
    {
        _stages.Record(feed);
        foreach (var step in _duration.Enabled ? steps : [])
        {
            _duration.Record(step.Ms / 1000);
        }

        var last = steps[^1];
        _step.Record(last.Step);
        _rate.Record(last.Lr);
        _throughput.Record(last.SamplesPerSecond);
        _wait.Record(last.DataWait);
        _mfu.Record(last.Mfu);
        _skipped.Record(last.Skipped);
        foreach (var (name, value) in _scalar.Enabled ? last.Scalars : new Dictionary<string, double>())
        {
            _scalar.Record(value, new KeyValuePair<string, object?>("xkd.scalar.name", name));
        }

        _memory.Record(last.Rss, new KeyValuePair<string, object?>("xkd.memory.type", "resident"));
        if (last.GpuMemory > 0)
        {
            _memory.Record(last.GpuMemory, new KeyValuePair<string, object?>("xkd.memory.type", "device"));
        }
    }

    public void Dispose()
    {
        _stages.Dispose();
        _meter.Dispose();
    }
}
