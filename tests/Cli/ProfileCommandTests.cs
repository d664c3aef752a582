using System.Text.Json;

namespace Xkd.Cli.Tests;

public sealed class ProfileCommandTests(IngestedClips clips)
{
    [Theory]
    [InlineData("mel", "--clips", "2", "it is for ingest, decode, plan")]
    [InlineData("ingest", "--batch", "8", "it is for step, plan")]
    [InlineData("plan", "--delay-stage", "read=1", "it is for ingest, decode, loader, train")]
    public async Task Profile_OptionOfAnotherPart_IsRefusedNotIgnored(string part, string option, string value, string said)
    {
        var result = await XkdProcess.RunAsync("profile", part, option, value);
        Assert.Equal((2, $"xkd: profile {part} has no use for {option}: {said}\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Profile_Mel_PrintsTheContractsFields()
    {
        var folder = clips.File("profile");
        var result = await XkdProcess.RunAsync("profile", "mel", "--json", "--out", folder);
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.All(
            ["schema", "what", "device", "threads", "seconds", "samples_per_s", "stages", "wait_ratios", "bottleneck", "remedy", "headspace", "audio_seconds_per_second"],
            name => Assert.True(json.RootElement.TryGetProperty(name, out _), name));
        Assert.Equal("mel", json.RootElement.GetProperty("bottleneck").GetString());
        Assert.True(File.Exists(Path.Combine(folder, "profile.html")));
        using var trace = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "trace.json"), TestContext.Current.CancellationToken));
        Assert.True(trace.RootElement.GetProperty("traceEvents").GetArrayLength() > 2000);
    }

    [Theory]
    [InlineData("order")]
    [InlineData("read")]
    [InlineData("augment")]
    [InlineData("collate")]
    [InlineData("consumer")]
    public async Task Profile_LoaderWithAStageSlowed_NamesIt(string stage)
    {
        var result = await XkdProcess.RunAsync(Loader("--delay-stage", $"{stage}=50", "--json"));
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(stage, json.RootElement.GetProperty("bottleneck").GetString());
    }

    [Fact]
    public async Task Profile_LoaderSwept_MeasuresEachNumberOfWorkers()
    {
        var result = await XkdProcess.RunAsync(Loader("--sweep", "--json"));
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        JsonElement[] sweep = [.. json.RootElement.GetProperty("sweep").EnumerateArray()];
        Assert.Equal([1, 2], sweep.Take(2).Select(s => s.GetProperty("workers").GetInt32()));
        Assert.All(sweep, s => Assert.True(s.GetProperty("samples_per_s").GetDouble() > 0));
    }

    [Fact]
    public async Task Profile_Plan_PredictsADeviceThatIsNotHereAndMeasuresOneThatIs()
    {
        var result = await XkdProcess.RunAsync("profile", "plan", "--batch", "32", "256", "--json");
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal("h200", json.RootElement.GetProperty("device").GetString());
        JsonElement[] plans = [.. json.RootElement.GetProperty("plans").EnumerateArray()];
        Assert.Equal([32, 256], plans.Select(p => p.GetProperty("batch").GetInt32()));
        Assert.All(plans, p => Assert.Equal(440.1, p.GetProperty("gflop_per_sample").GetDouble(), 0.05)); // as doctor --model says
        Assert.All(plans, p => Assert.InRange(p.GetProperty("mfu").GetDouble(), 0.3, 0.5)); // eager kernels
        Assert.All(plans, p => Assert.Equal(JsonValueKind.Null, p.GetProperty("measured").ValueKind));

        result = await XkdProcess.RunAsync("profile", "plan", "--config", Tiny, "--set", "data.global_size=32", "data.local_size=32", "--device", "cpu", "--batch", "2", "--json");
        Assert.Equal(0, result.ExitCode);
        using var here = JsonDocument.Parse(result.Output);
        var plan = Assert.Single(here.RootElement.GetProperty("plans").EnumerateArray());
        Assert.All(["forward_ms", "backward_ms", "optimizer_ms"], name => Assert.True(plan.GetProperty("measured").GetProperty(name).GetDouble() > 0, name));
        Assert.True(plan.GetProperty("step_ms").GetDouble() > 0);
    }

    [Fact]
    public async Task Profile_StepAtTwoBatches_PrintsTheContractsFieldsForEach()
    {
        var result = await XkdProcess.RunAsync("profile", "step", "--config", Tiny, "--set", "data.global_size=32", "data.local_size=32", "--device", "cpu", "--batch", "1", "2", "--json");
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        string[] names = ["forward_ms", "backward_ms", "optimizer_ms", "gflop_per_sample", "matmul_tflops", "mfu", "peak_memory"];
        Assert.All(names, name => Assert.True(json.RootElement.GetProperty(name).GetDouble() > 0, name));
        Assert.Equal([1, 2], json.RootElement.GetProperty("sweep").EnumerateArray().Select(s => s.GetProperty("batch").GetInt32()));
        Assert.All(json.RootElement.GetProperty("sweep").EnumerateArray(), s => Assert.All(names, name => Assert.True(s.GetProperty(name).GetDouble() > 0, name)));
        Assert.Equal(1, json.RootElement.GetProperty("wait_ratios").EnumerateObject().Sum(r => r.Value.GetDouble()), 0.01);
    }

    [Theory]
    [InlineData("read")]
    [InlineData("consumer")]
    public async Task Profile_TrainWithAStageSlowed_NamesItAndSaysWhatAPerfectFeedWouldWin(string stage)
    {
        var folder = clips.File($"profile-{stage}");
        var result = await XkdProcess.RunAsync(
            "profile", "train", "--data", clips.Cache, "--config", Tiny, "--set", "data.global_size=32", "data.local_size=32", "batch=1", "model.encoder.depth=1", "model.decoder.depth=1", "model.encoder.dim=32", "model.projector.hidden=32", "--device", "cpu",
            "--delay-stage", $"{stage}=300", "--out", folder, "--json"); // two are read at once; a step takes less than half itself, even on a busy machine
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(stage, json.RootElement.GetProperty("bottleneck").GetString());
        Assert.Equal(1, json.RootElement.GetProperty("wait_ratios").EnumerateObject().Sum(r => r.Value.GetDouble()), 0.01);
        Assert.Equal(stage == "read", json.RootElement.GetProperty("data_wait").GetDouble() > 0.2);
        Assert.True(json.RootElement.GetProperty("headspace").GetDouble() > 1);
        Assert.Contains("<svg", await File.ReadAllTextAsync(Path.Combine(folder, "profile.html"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("\"ph\":\"C\"", await File.ReadAllTextAsync(Path.Combine(folder, "trace.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("loader", "any")]
    [InlineData("train", "any")]
    [InlineData("train", "per_window")]
    public async Task Profile_WithoutDataAndFfmpeg_GeneratesACacheThatFitsTheConfiguration(string what, string spectrogram)
    {
        string[] small = ["data.global_size=32", "data.local_size=32", "batch=2", "model.encoder.depth=1", "model.decoder.depth=1", "model.encoder.dim=32"];
        var result = await XkdProcess.RunAsync(
            new Dictionary<string, string> { ["PATH"] = "", ["XKD_FFMPEG"] = "" },
            ["profile", what, "--config", Tiny, "--set", .. small, $"data.spectrogram={spectrogram}", .. what == "loader" ? (string[])[] : ["--device", "cpu"], "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        using var json = JsonDocument.Parse(result.Output);
        Assert.True(json.RootElement.GetProperty("samples_per_s").GetDouble() > 0);
    }

    [Fact]
    public async Task Profile_UnknownStage_Exits2NamingTheStages()
    {
        var result = await XkdProcess.RunAsync(Loader("--delay-stage", "dekode=50"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("dekode", result.Error, StringComparison.Ordinal);
        Assert.Contains("augment", result.Error, StringComparison.Ordinal);
    }

    private static string Tiny => Path.Combine(AppContext.BaseDirectory, "configs/pretrain/tiny.yaml");

    private string[] Loader(params string[] more) =>
        ["profile", "loader", "--data", clips.Cache, "--config", Tiny, "--set", "data.global_size=32", "data.local_size=32", "batch=1", .. more];
}
