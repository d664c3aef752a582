using System.Text.Json;
using Xkd.Model.Training;

namespace Xkd.Cli.Tests;

/// <summary>What <c>--otlp</c> sends: instruments of ingest and training with names, units, attributes and the values that the files of the job hold.</summary>
public sealed class TelemetryTests(IngestedClips clips) : IDisposable
{
    private readonly MetricsCollector _collector = new();

    public void Dispose() => _collector.Dispose();

    [Fact]
    public async Task Ingest_WithCollector_SendsItemsClipsAndStages()
    {
        var result = await RunAsync(
            new() { ["OTEL_SERVICE_NAME"] = "mine", ["OTEL_RESOURCE_ATTRIBUTES"] = "team=sounds", ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=secret" },
            "--otlp", _collector.Uri);
        Assert.Equal(3, result.ExitCode);
        Assert.All(_collector.Requests, request => Assert.Equal("POST /v1/metrics application/x-protobuf secret", request));
        Assert.Contains("service.name=mine", _collector.Resource);
        Assert.Contains("team=sounds", _collector.Resource);
        Assert.Equal(("Xkd", "{item}", "sum", 1.0), Told("xkd.ingest.items", "xkd.item.state=committed"));
        Assert.Equal(("Xkd", "{item}", "sum", 2.0), Told("xkd.ingest.items", "xkd.item.state=failed"));
        Assert.Equal(("Xkd", "{clip}", "sum", 1.0), Told("xkd.ingest.clips"));
        using var report = JsonDocument.Parse(result.Output);
        foreach (var stage in report.RootElement.GetProperty("stages").EnumerateArray())
        {
            var attributes = $"xkd.graph.name=ingest xkd.stage.name={stage.GetProperty("name").GetString()}";
            Assert.Equal(("Xkd", "1", "gauge", stage.GetProperty("occupancy").GetDouble()), Told("xkd.stage.queue.utilization", attributes));
            Assert.InRange(_collector.Last("xkd.stage.utilization", attributes).Value, 0, 1);
        }

        Assert.True(_collector.Last("xkd.stage.utilization", "xkd.graph.name=ingest xkd.stage.name=decode").Value > 0);
    }

    [Fact]
    public async Task Train_WithCollector_SendsWhatTheLastLineOfTheRunHolds()
    {
        var run = clips.File("observed");
        var result = await XkdProcess.RunAsync(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _collector.Uri },
            "train", "--config", "tiny", "--data", clips.Cache, "--out", run, "--device", "cpu", "--otlp", "--set", "data.global_size=32", "data.local_size=32",
            "batch=1", "model.encoder.depth=1", "model.decoder.depth=1", "optim.epochs=3", "optim.warmup_epochs=1", "train.log_every=1");
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        var steps = MetricsLog.Read(Path.Combine(run, "metrics.jsonl"));
        Assert.Contains("service.name=xkd", _collector.Resource);
        Assert.Equal(("Xkd", "{step}", "gauge", 3.0), Told("xkd.train.step.number"));
        Assert.Equal(("Xkd", "s", "histogram", 3.0), Told("xkd.train.step.duration"));
        Assert.All(steps[^1].Scalars, scalar => Assert.Equal(("Xkd", "1", "gauge", scalar.Value), Told("xkd.train.scalar", $"xkd.scalar.name={scalar.Key}")));
        Assert.Equal(("Xkd", "1", "gauge", steps[^1].Lr), Told("xkd.train.learning_rate"));
        Assert.Equal(("Xkd", "{clip}/s", "gauge", steps[^1].SamplesPerSecond), Told("xkd.train.throughput"));
        Assert.Equal(("Xkd", "1", "gauge", steps[^1].DataWait), Told("xkd.train.data_wait"));
        Assert.Equal(("Xkd", "1", "gauge", steps[^1].Mfu), Told("xkd.train.flops.utilization"));
        Assert.Equal(("Xkd", "By", "gauge", steps[^1].Rss), Told("xkd.train.memory.usage", "xkd.memory.type=resident"));
        Assert.Equal(("Xkd", "{clip}", "gauge", 0.0), Told("xkd.train.clips.skipped"));
        Assert.Equal(("Xkd", "1", "gauge"), Told("xkd.stage.utilization", "xkd.graph.name=feed xkd.stage.name=consumer") switch { var (m, u, k, _) => (m, u, k) });
    }

    [Fact]
    public async Task Ingest_CollectorThatIsNotThere_IsToldOnceAndDisturbsNothing()
    {
        _collector.Dispose();
        var result = await RunAsync(new() { ["OTEL_METRIC_EXPORT_INTERVAL"] = "50" }, "--otlp", _collector.Uri);
        Assert.Equal(3, result.ExitCode);
        Assert.Equal(1, JsonDocument.Parse(result.Output).RootElement.GetProperty("committed").GetInt32());
        var note = Assert.Single(result.Error.Split('\n'), line => line.StartsWith("--otlp: ", StringComparison.Ordinal));
        Assert.Contains($"{_collector.Uri}/", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:4318")]
    [InlineData("ftp://localhost")]
    public async Task Ingest_WhatIsNoCollector_Exits2WithTheFix(string uri)
    {
        var result = await RunAsync([], "--otlp", uri);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"--otlp {uri}: write the address of an OpenTelemetry collector, such as http://", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_MlflowWithoutAServer_Exits2WithTheFix()
    {
        var result = await XkdProcess.RunAsync("train", "--config", "tiny", "--data", clips.Cache, "--out", clips.File("untold"), "--mlflow");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--mlflow names no server, and MLFLOW_TRACKING_URI is not set", result.Error, StringComparison.Ordinal);
    }

    private (string Meter, string Unit, string Kind, double Value) Told(string name, string attributes = "")
    {
        var point = _collector.Last(name, attributes);
        return (point.Meter, point.Unit, point.Kind, point.Value);
    }

    private Task<ProcessOutcome> RunAsync(Dictionary<string, string> environment, params string[] more) => XkdProcess.RunAsync(
        environment,
        ["ingest", "--dataset", "folder", "--root", clips.Clips, "--out", clips.File($"observed-{Guid.NewGuid():N}"), "--short-side", "32", "--json", .. more]);
}
