using System.Text.Json;

namespace Xkd.Pipeline;

/// <summary>
/// The latest spans of work, in fixed space, written as a Chrome trace (chrome://tracing, Perfetto): one row per worker of a stage.
/// </summary>
internal sealed class TraceBuffer(int capacity, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Span[] _spans = new Span[capacity];
    private long _count;

    public void Add(string stage, int lane, long start, long end)
    {
        lock (_gate)
        {
            _spans[_count++ % _spans.Length] = new Span(stage, lane, start, end);
        }
    }

    /// <summary>Writes JSON in the Trace Event Format; times in microseconds since <paramref name="origin"/>.</summary>
    public void Write(Stream stream, string graph, IReadOnlyList<string> stages, long origin)
    {
        Span[] spans;
        long dropped;
        lock (_gate)
        {
            long kept = Math.Min(_count, _spans.Length);
            dropped = _count - kept;
            spans = [.. Enumerable.Range(0, (int)kept).Select(i => _spans[(dropped + i) % _spans.Length])];
        }

        using Utf8JsonWriter json = new(stream);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteNumber("droppedSpans", dropped);
        json.WriteStartArray("traceEvents");
        WriteName(json, "process_name", 0, graph);
        Dictionary<string, int> rows = stages.Select((name, i) => (name, i)).ToDictionary(s => s.name, s => s.i * 1000, StringComparer.Ordinal);
        foreach (IGrouping<(string Stage, int Lane), Span> row in spans.GroupBy(s => (s.Stage, s.Lane)))
        {
            WriteName(json, "thread_name", rows[row.Key.Stage] + row.Key.Lane, $"{row.Key.Stage} {row.Key.Lane}");
        }

        foreach (Span span in spans)
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

        json.WriteEndArray();
        json.WriteEndObject();
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
