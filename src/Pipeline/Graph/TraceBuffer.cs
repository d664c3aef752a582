using System.Text.Json;

namespace Xkd.Pipeline;

/// <summary>
/// The latest spans of work, in fixed space, written as a Chrome trace (chrome://tracing, Perfetto): one row per worker of a stage, for its first
/// <see cref="Lanes"/> workers. Work goes to the first one that is free, so those are the busiest.
/// </summary>
public sealed class TraceBuffer(int capacity, TimeProvider time)
{
    /// <summary>Most rows of a stage: with a thousand of them nothing can be seen.</summary>
    public const int Lanes = 64;

    private readonly Lock _gate = new();
    private readonly Span[] _spans = new Span[capacity];
    private long _count;
    private long _beyond;

    /// <summary>Takes down a span of work of a stage's worker, in timestamps of the clock.</summary>
    public void Add(string stage, int lane, long start, long end)
    {
        lock (_gate)
        {
            if (lane >= Lanes)
            {
                _beyond++;
                return;
            }

            _spans[_count++ % _spans.Length] = new Span(stage, lane, start, end);
        }
    }

    /// <summary>Writes JSON in the Trace Event Format; times in microseconds since <paramref name="origin"/>.</summary>
    /// <param name="stream">Receives it.</param>
    /// <param name="graph">Names the process.</param>
    /// <param name="stages">The stages, in the order of the flow.</param>
    /// <param name="origin">The timestamp that is 0.</param>
    /// <param name="timeline">Queues over time, drawn as a counter for each stage.</param>
    public void Write(Stream stream, string graph, IReadOnlyList<string> stages, long origin, IReadOnlyList<OccupancySample> timeline)
    {
        Span[] spans;
        long dropped, beyond;
        lock (_gate)
        {
            var kept = Math.Min(_count, _spans.Length);
            (dropped, beyond) = (_count - kept, _beyond);
            spans = [.. Enumerable.Range(0, (int)kept).Select(i => _spans[(dropped + i) % _spans.Length])];
        }

        using Utf8JsonWriter json = new(stream);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteNumber("droppedSpans", dropped);
        json.WriteNumber("spansOfFurtherWorkers", beyond);
        json.WriteStartArray("traceEvents");
        WriteName(json, "process_name", 0, graph);
        var rows = stages.Select((name, i) => (name, i)).ToDictionary(s => s.name, s => s.i * Lanes, StringComparer.Ordinal);
        foreach (var row in spans.GroupBy(s => (s.Stage, s.Lane)))
        {
            WriteName(json, "thread_name", rows[row.Key.Stage] + row.Key.Lane, $"{row.Key.Stage} {row.Key.Lane}");
        }

        foreach (var span in spans)
        {
            json.WriteStartObject();
            json.WriteString("name", span.Stage);
            json.WriteString("ph", "X");
            json.WriteNumber("ts", time.GetElapsedTime(origin, span.Start).TotalMicroseconds);
            json.WriteNumber("dur", time.GetElapsedTime(span.Start, span.End).TotalMicroseconds);
            json.WriteNumber("pid", 1);
            json.WriteNumber("tid", rows[span.Stage] + span.Lane);
            json.WriteEndObject();
        }

        foreach (var sample in timeline)
        {
            WriteCounters(json, stages, sample);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteCounters(Utf8JsonWriter json, IReadOnlyList<string> stages, OccupancySample sample)
    {
        for (var i = 0; i < stages.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("name", $"{stages[i]} queue filled");
            json.WriteString("ph", "C");
            json.WriteNumber("ts", sample.Start * 1e6);
            json.WriteNumber("pid", 1);
            json.WriteStartObject("args");
            json.WriteNumber("share", sample.Occupancy[i]);
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    private static void WriteName(Utf8JsonWriter json, string kind, int row, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", kind);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", 1);
        json.WriteNumber("tid", row);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private readonly record struct Span(string Stage, int Lane, long Start, long End);
}
