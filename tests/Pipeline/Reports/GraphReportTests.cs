using System.Diagnostics.Metrics;
using System.Text.Json;

namespace Xkd.Pipeline.Tests;

/// <summary>The detector of bottlenecks, on planted delays.</summary>
public sealed class GraphReportTests
{
    private const int Items = 24;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("count", 1)]
    [InlineData("decode", 1)]
    [InlineData("decode", 2)]
    [InlineData("mel", 1)]
    [InlineData("mel", 2)]
    [InlineData("write", 1)]
    [InlineData("write", 2)]
    public async Task Report_OneStageDelayed_NamesThatStage(string delayed, int parallelism)
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { StageDelays = Delay(delayed) });
        var mel = Chain(graph, parallelism);
        await graph.RunAsync(mel, "write", (_, _) => ValueTask.CompletedTask, new StageOptions { Parallelism = parallelism }, Token);
        var report = graph.Report();
        Assert.Equal(delayed, report.Bottleneck);
        Assert.Equal(delayed, report.WaitRatios.MaxBy(r => r.Value).Key);
        Assert.Equal(1, report.WaitRatios.Values.Sum(), 9);
        Assert.StartsWith(delayed + " is the bottleneck at ", report.Remedy, StringComparison.Ordinal);
        Assert.True(report.Stages.Single(s => s.Name == delayed).P50Ms > 45, "the delay counts as the stage's own work");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Report_SlowExternalConsumer_NamesTheConsumer(int parallelism)
    {
        PipelineGraph graph = new("test");
        await foreach (var _ in graph.ReadAllAsync(Chain(graph, parallelism), cancellationToken: Token))
        {
            await Task.Delay(50, Token);
        }

        Assert.Equal("consumer", graph.Report().Bottleneck);
        Assert.Equal(1, graph.Report().WaitRatios.Values.Sum(), 9);
    }

    [Theory]
    [InlineData("count", 1)]
    [InlineData("decode", 1)]
    [InlineData("decode", 2)]
    [InlineData("mel", 1)]
    [InlineData("mel", 2)]
    public async Task Report_SlowStageAndFastConsumer_StillNamesTheStage(string delayed, int parallelism)
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { StageDelays = Delay(delayed) });
        await foreach (var _ in graph.ReadAllAsync(Chain(graph, parallelism), cancellationToken: Token))
        {
        }

        Assert.Equal(delayed, graph.Report().Bottleneck);
    }

    [Fact]
    public async Task Report_RemedyOfTheBottleneck_IsTheStagesOwn()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { StageDelays = Delay("decode") });
        var decoded = graph.Stage<int, int>(
            "decode", graph.Source("count", Sources.Count(8)), (i, _) => ValueTask.FromResult(i), new StageOptions { Remedy = "raise --workers from 1" });
        await graph.RunAsync(decoded, "write", (_, _) => ValueTask.CompletedTask, cancellationToken: Token);
        Assert.Matches("^decode is the bottleneck at (over 100|[0-9.]+)x its neighbours: raise --workers from 1$", graph.Report().Remedy);
    }

    [Fact]
    public async Task Report_WaitsOfTheNeighbours_AreMeasured()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { StageDelays = Delay("decode") });
        await graph.RunAsync(Chain(graph, 1), "write", (_, _) => ValueTask.CompletedTask, cancellationToken: Token);
        var report = graph.Report();
        var half = report.Seconds / 2;
        Assert.True(report.Stages[0].PutWait > half, "the source waited to put");
        Assert.True(report.Stages[2].GetWait > half, "the stage behind waited to get");
        Assert.True(report.Stages[3].GetWait > half, "the sink waited to get");
        Assert.InRange(report.Stages[1].Occupancy, 0.5, 1);
        Assert.InRange(report.Stages[3].Occupancy, 0, 0.5);
        Assert.InRange(report.Stages[1].Utilisation, 0.8, 1);
    }

    [Fact]
    public void Of_NearlySaturatedNeighbour_StillNamesTheSaturatedStage()
    {
        var report = GraphReport.Of("test", 1, [Stage("decode", 1.0), Stage("mel", 0.93), Stage("write", 0.9)]);
        Assert.Equal("decode", report.Bottleneck);
        Assert.Equal("decode", report.WaitRatios.MaxBy(r => r.Value).Key);
    }

    [Fact]
    public void Of_NothingDone_SharesEqually() =>
        Assert.All(GraphReport.Of("test", 0, [Stage("decode", 0), Stage("mel", 0)]).WaitRatios.Values, r => Assert.Equal(0.5, r));

    [Fact]
    public void Serialize_Report_HasTheContractsFields()
    {
        var json = JsonSerializer.SerializeToElement(GraphReport.Of("test", 1, [Stage("decode", 1.0)]));
        foreach (var name in new[] { "seconds", "stages", "wait_ratios", "bottleneck", "remedy" })
        {
            Assert.True(json.TryGetProperty(name, out _), name);
        }

        foreach (var name in new[] { "name", "count", "failed", "mean_ms", "p50_ms", "p99_ms", "put_wait", "get_wait", "occupancy", "bytes" })
        {
            Assert.True(json.GetProperty("stages")[0].TryGetProperty(name, out _), name);
        }
    }

    [Fact]
    public async Task Metrics_DuringARun_CarryTheSameCounters()
    {
        Dictionary<string, long> items = new(StringComparer.Ordinal);
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "Xkd.Pipeline" && instrument.Name == "xkd.pipeline.items")
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var named = tags.ToArray().ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal);
            if (named["graph"] is "metered")
            {
                items[(string)named["stage"]!] = value;
            }
        });
        listener.Start();
        PipelineGraph graph = new("metered");
        await graph.RunAsync(
            Chain(graph, 1),
            "write",
            (i, _) =>
            {
                if (i == Items - 1)
                {
                    listener.RecordObservableInstruments();
                }

                return ValueTask.CompletedTask;
            },
            cancellationToken: Token);
        Assert.Equal(Items, items["mel"]);
        Assert.Equal(Items - 1, items["write"]);
    }

    [Fact]
    public async Task WriteTrace_BoundedBuffer_KeepsTheLatestSpans()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { TraceCapacity = 10 });
        await graph.RunAsync(Chain(graph, 2), "write", (_, _) => ValueTask.CompletedTask, cancellationToken: Token);
        using MemoryStream stream = new();
        graph.WriteTrace(stream);
        var trace = JsonDocument.Parse(stream.ToArray()).RootElement;
        JsonElement[] spans = [.. trace.GetProperty("traceEvents").EnumerateArray().Where(e => e.GetProperty("ph").GetString() == "X")];
        Assert.Equal(10, spans.Length);
        Assert.Equal((4 * Items) - 10, trace.GetProperty("droppedSpans").GetInt64());
        Assert.All(spans, s => Assert.True(s.GetProperty("dur").GetDouble() >= 0));
        Assert.Contains(spans, s => s.GetProperty("name").GetString() == "write");
    }

    [Fact]
    public void WriteTrace_AThousandWorkersOfAStage_HaveRowsOfTheirOwnAndNoMoreThanCanBeSeen()
    {
        TraceBuffer buffer = new(10_000, TimeProvider.System);
        foreach (var stage in new[] { "decode", "mel" })
        {
            for (var lane = 0; lane < 1024; lane++)
            {
                buffer.Add(stage, lane, lane, lane + 1);
            }
        }

        using MemoryStream stream = new();
        buffer.Write(stream, "test", ["decode", "mel"], 0, []);
        var trace = JsonDocument.Parse(stream.ToArray()).RootElement;
        JsonElement[] events = [.. trace.GetProperty("traceEvents").EnumerateArray()];
        Assert.Equal(2 * TraceBuffer.Lanes, events.Count(e => e.GetProperty("name").GetString() == "thread_name"));
        (string Stage, int Row)[] spans = [.. events.Where(e => e.GetProperty("ph").GetString() == "X").Select(e => (e.GetProperty("name").GetString()!, e.GetProperty("tid").GetInt32()))];
        Assert.Equal(2 * TraceBuffer.Lanes, spans.Select(s => s.Row).Distinct().Count());
        Assert.Equal(2 * (1024 - TraceBuffer.Lanes), trace.GetProperty("spansOfFurtherWorkers").GetInt64());
    }

    [Fact]
    public async Task Report_TracedRun_ShowsTheQueuesOverTime()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { TraceCapacity = 10, StageDelays = Delay("mel") });
        await graph.RunAsync(Chain(graph, 1), "write", (_, _) => ValueTask.CompletedTask, cancellationToken: Token);
        var report = graph.Report();
        var timeline = report.Timeline;
        Assert.True(timeline.Count > 2);
        Assert.Equal(0, timeline[0].Start);
        Assert.All(timeline.Zip(timeline.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
        Assert.InRange(timeline[^1].End, report.Seconds - 0.1, report.Seconds + 0.1);
        for (var stage = 0; stage < report.Stages.Count; stage++)
        {
            // The intervals' averages are the whole run's, put apart.
            var mean = timeline.Sum(s => s.Busy[stage] * (s.End - s.Start)) / timeline[^1].End;
            Assert.Equal(report.Stages[stage].Utilisation, mean, 0.05);
        }

        using MemoryStream stream = new();
        graph.WriteTrace(stream);
        JsonElement[] counters = [.. JsonDocument.Parse(stream.ToArray()).RootElement.GetProperty("traceEvents").EnumerateArray().Where(e => e.GetProperty("ph").GetString() == "C")];
        Assert.Equal(timeline.Count * report.Stages.Count, counters.Length);
    }

    [Fact]
    public async Task Timeline_LongRun_JoinsIntervalsInsteadOfGrowing()
    {
        ManualTime time = new();
        PipelineGraph graph = new("test", new PipelineGraphOptions { TraceCapacity = 10, TimeProvider = time });
        await foreach (var i in graph.ReadAllAsync(graph.Source("count", Sources.Count(2)), cancellationToken: Token))
        {
            for (var tick = 0; i == 0 && tick < 5000; tick++)
            {
                time.Advance(TimeSpan.FromMilliseconds(50));
            }
        }

        var timeline = graph.Report().Timeline;
        Assert.InRange(timeline.Count, 200, 512);
        Assert.Equal(250, timeline[^1].End, 1e-6);
        Assert.All(timeline, s => Assert.Equal(1, s.Busy[1], 1e-9)); // the consumer held its item all the time
    }

    [Fact]
    public async Task Report_DelayedConsumer_IsNamed()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { StageDelays = Delay(PipelineGraph.Consumer) });
        var read = 0;
        await foreach (var _ in graph.ReadAllAsync(Chain(graph, 2), cancellationToken: Token))
        {
            read++;
        }

        Assert.Equal((Items, PipelineGraph.Consumer), (read, graph.Report().Bottleneck));
    }

    [Fact]
    public void WriteTrace_TracingOff_IsRefused() => Assert.Throws<InvalidOperationException>(() => new PipelineGraph("test").WriteTrace(Stream.Null));

    private static IStage<int> Chain(PipelineGraph graph, int parallelism)
    {
        StageOptions options = new() { Parallelism = parallelism };
        var decoded = graph.Stage<int, int>("decode", graph.Source("count", Sources.Count(Items)), (i, _) => ValueTask.FromResult(i), options);
        return graph.Stage<int, int>("mel", decoded, (i, _) => ValueTask.FromResult(i), options);
    }

    private static Dictionary<string, TimeSpan> Delay(string stage) => new(StringComparer.Ordinal) { [stage] = TimeSpan.FromMilliseconds(50) };

    private static StageReport Stage(string name, double utilisation) => new()
    {
        Name = name,
        Parallelism = 1,
        Count = 1,
        Failed = 0,
        MeanMs = 1,
        P50Ms = 1,
        P99Ms = 1,
        PutWait = 0,
        GetWait = 0,
        Occupancy = 0,
        Utilisation = utilisation,
        Bytes = 0,
    };
}
