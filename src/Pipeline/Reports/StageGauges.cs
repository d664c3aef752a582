using System.Diagnostics.Metrics;

namespace Xkd.Pipeline;

/// <summary>
/// A graph's report as instruments of the meter "Xkd": how busy its stages are, and how full their queues. They keep the last report's values, so that an
/// exporter has those of a graph that has ended between two of its exports.
/// </summary>
public sealed class StageGauges : IDisposable
{
    /// <summary>The meter of what runs report of themselves; <see cref="PipelineMetrics"/> are the counters beneath.</summary>
    public const string MeterName = "Xkd";

    private readonly Meter _meter = new(MeterName);
    private readonly Gauge<double> _busy, _queue;

    public StageGauges()
    {
        _busy = _meter.CreateGauge<double>("xkd.stage.utilization", "1", "Share of the workers' time at work since the graph began.");
        _queue = _meter.CreateGauge<double>("xkd.stage.queue.utilization", "1", "Mean fill of the queue before the stage since the graph began.");
    }

    /// <summary>Whether anybody looks at them.</summary>
    public bool Enabled => _busy.Enabled || _queue.Enabled;

    public void Record(GraphReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        foreach (var stage in Enabled ? report.Stages : [])
        {
            KeyValuePair<string, object?> graph = new("xkd.graph.name", report.Graph), name = new("xkd.stage.name", stage.Name);
            _busy.Record(stage.Utilisation, graph, name);
            _queue.Record(stage.Occupancy, graph, name);
        }
    }

    public void Dispose() => _meter.Dispose();
}
