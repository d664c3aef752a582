using System.Diagnostics.Metrics;

namespace Xkd.Pipeline;

/// <summary>
/// A running graph's counters as <see cref="System.Diagnostics.Metrics"/> instruments of the meter "Xkd.Pipeline", tagged with
/// graph and stage. They are observed: nothing is paid while nobody listens.
/// </summary>
internal sealed class PipelineMetrics : IDisposable
{
    public const string MeterName = "Xkd.Pipeline";

    private readonly Meter _meter = new(MeterName);

    public PipelineMetrics(PipelineGraph graph, ByteBudget? budget)
    {
        Observe("xkd.pipeline.items", "{item}", "items that went through", s => s.Count);
        Observe("xkd.pipeline.failures", "{item}", "items that failed", s => s.Failed);
        Observe("xkd.pipeline.bytes", "By", "payload put out", s => s.Bytes);
        Observe("xkd.pipeline.put_wait", "s", "time finished items waited for the next queue", s => s.PutWait);
        Observe("xkd.pipeline.get_wait", "s", "time workers waited for items", s => s.GetWait);
        Gauge("xkd.pipeline.occupancy", "1", "mean fill of the queue", s => s.Occupancy);
        Gauge("xkd.pipeline.duration.mean", "ms", "mean work per item", s => s.MeanMs);
        Gauge("xkd.pipeline.duration.p50", "ms", "median work per item", s => s.P50Ms);
        Gauge("xkd.pipeline.duration.p99", "ms", "99th percentile of work per item", s => s.P99Ms);
        if (budget is not null)
        {
            KeyValuePair<string, object?> tag = new("graph", graph.Name);
            _meter.CreateObservableUpDownCounter("xkd.pipeline.budget.in_flight", () => new Measurement<long>(budget.InFlight, tag), "By", "payload held");
        }

        void Observe<T>(string name, string unit, string description, Func<StageReport, T> value)
            where T : struct => _meter.CreateObservableCounter(name, () => Measure(graph, value), unit, description);

        void Gauge(string name, string unit, string description, Func<StageReport, double> value) =>
            _meter.CreateObservableGauge(name, () => Measure(graph, value), unit, description);
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<T>> Measure<T>(PipelineGraph graph, Func<StageReport, T> value)
        where T : struct =>
        graph.Report().Stages.Select(s => new Measurement<T>(value(s), new("graph", graph.Name), new("stage", s.Name)));
}
