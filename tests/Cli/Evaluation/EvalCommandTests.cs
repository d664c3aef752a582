using System.Text.Json;
using Xkd.Cli.Evaluation;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Cli.Tests;

public sealed class EvalCommandTests(IngestedMiniatures miniatures) : IClassFixture<IngestedMiniatures>
{
    [Theory]
    [InlineData("ucf101")]
    [InlineData("hmdb51")]
    [InlineData("kinetics400")]
    [InlineData("esc50")]
    [InlineData("fsd50k")]
    [InlineData("kinetics-sound")]
    public async Task Eval_MiniatureInSmoke_RunsByEveryProtocol(string dataset)
    {
        var cache = Cache.Open(await miniatures.CacheAsync(dataset));
        foreach (var protocol in new[] { "svm", "linear", "finetune" })
        {
            var path = Path.Combine(AppContext.BaseDirectory, "configs", "eval", protocol, dataset + ".yaml");
            string[] smoke = [.. SmokeRun.Overrides(protocol)];
            var (done, all) = (0L, 0L);
            EvaluationRequest request = new()
            {
                Protocol = protocol, Config = protocol == "svm" ? SvmConfig.Load(path, smoke) : ClassifierConfig.Load(path, smoke), Weights = [miniatures.Run], Train = cache, Test = cache, Device = CPU,
                Progress = (now, of) => (done, all) = (now, of),
            };
            var result = Assert.Single(await new EvaluationRun(request, _ => { }).RunAsync(TestContext.Current.CancellationToken));
            Assert.Equal((dataset, protocol), (result.Dataset, result.Protocol));
            Assert.InRange(result.Value, 0, 100);
            Assert.True(all > 0 && done == all, $"{protocol}: {done} of {all}");
        }
    }

    [Fact]
    public async Task Eval_SvmTwice_WritesTheSameFilesWithTheContractsFields()
    {
        var cache = await miniatures.CacheAsync("esc50");
        string[] command = ["eval", "svm", "--config", "configs/eval/svm/esc50.yaml", "--weights", miniatures.Run, "--train", cache, "--val", cache, "--folds", "all", "--smoke", "--seed", "3", "--device", "cpu"];
        command[3] = Path.Combine(AppContext.BaseDirectory, command[3]);
        ProcessOutcome first = await XkdProcess.RunAsync([.. command, "--json", "--out", miniatures["out1"]]), second = await XkdProcess.RunAsync([.. command, "--out", miniatures["out2"]]);
        Assert.True(first.ExitCode == 0 && second.ExitCode == 0, first.Error + second.Error);
        var results = await File.ReadAllTextAsync(Path.Combine(miniatures["out1"], "results.json"), TestContext.Current.CancellationToken);
        Assert.Equal(results, await File.ReadAllTextAsync(Path.Combine(miniatures["out2"], "results.json"), TestContext.Current.CancellationToken));
        Assert.Equal(
            [
                "confusion.png", "fold-1.json", "fold-2.json", "fold-3.json", "fold-4.json", "fold-5.json",
                "per_class.csv", "predictions.parquet", "report.html", "results.json",
            ],
            Directory.GetFiles(miniatures["out1"]).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        using JsonDocument json = JsonDocument.Parse(results), printed = JsonDocument.Parse(first.Output);
        Assert.All(
            ["converged", "passes", "dataset", "protocol", "fold", "modality", "branch", "seed", "metric", "value", "per_class", "c", "weights_sha256"], name => Assert.True(json.RootElement.TryGetProperty(name, out _), name));
        Assert.Equal((3, 5), (json.RootElement.GetProperty("seed").GetInt32(), json.RootElement.GetProperty("folds").EnumerateObject().Count()));
        Assert.Equal(json.RootElement.GetProperty("value").GetDouble(), printed.RootElement.GetProperty("value").GetDouble());
        Assert.Contains("top1", second.Output, StringComparison.Ordinal);
        Assert.Contains("C 0.001: ", second.Output, StringComparison.Ordinal); // not a word less while it fits
        Assert.Contains($"next: xkd predict --model {miniatures["out2"]} FILE_OR_FOLDER", second.Error, StringComparison.Ordinal);

        var page = await PageAsync(miniatures["out1"]);
        var value = json.RootElement.GetProperty("value").GetDouble().ToString("f2", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Contains($"<div class=\"verdict plain\">Top-1 accuracy is {value} %, the mean of 5 folds; chance is ", page, StringComparison.Ordinal);
        Assert.All(json.RootElement.GetProperty("per_class").EnumerateObject(), c => Assert.Contains($"<tr><td>{c.Name}</td>", page, StringComparison.Ordinal));
        Assert.Contains("<table class=confusion>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_OfManyClasses_ListsTheConfusionsAndShowsThePicture()
    {
        const int Classes = 41;
        string[] names = [.. Enumerable.Range(0, Classes).Select(c => $"class{c}")];
        int[][] counts = [.. Enumerable.Range(0, Classes)
            .Select(t => Enumerable.Range(0, Classes).Select(p => t == p ? 5 : t == 3 && p == 7 ? 2 : 0).ToArray())];
        EvaluationResult result = new()
        {
            Dataset = "many", Protocol = "svm", Modality = "audio", Branch = "teacher", WeightsSha256 = "00", Value = 50, Classes = names,
            Confusion = counts, Notes = ["at most 41 classes"],
            PerClass = new Dictionary<string, double> { ["class3"] = 71.4 },
        };
        var page = EvaluationPage.Of(result, [1, 2, 3], map: null).ToString();
        Assert.Contains("<div class=\"verdict warning\">Note: at most 41 classes.</div>", page, StringComparison.Ordinal);
        Assert.Contains("<tr><td>class3</td><td class=n>7</td><td class=n>71.40</td><td>class7 (2)</td></tr>", page, StringComparison.Ordinal);
        Assert.Contains("<tr><td>class3</td><td>class7</td><td class=n>2</td></tr>", page, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,AQID", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<table class=confusion>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Features_BothModalities_AreSearchedClassifiedAndFitted()
    {
        string cache = await miniatures.CacheAsync("kinetics-sound"), audio = miniatures["audio.parquet"], video = miniatures["video.parquet"];
        await DoneAsync("features", "--weights", miniatures.Run, "--data", cache, "--modality", "audio", "--out", audio, "--device", "cpu");
        await DoneAsync("features", "--weights", miniatures.Run, "--data", cache, "--modality", "video", "--windows", "2", "--out", video, "--scatter", miniatures["scatter.png"], "--device", "cpu");
        Assert.True(new FileInfo(miniatures["scatter.png"]).Length > 1000);
        var found = await DoneAsync("eval", "retrieval", "--audio", audio, "--video", video, "--json", "--out", miniatures["retrieval"]);
        using var json = JsonDocument.Parse(found.Output);
        Assert.Equal(Cache.Open(cache).Clips.Count, json.RootElement.GetProperty("audio_to_video").GetProperty("queries").GetInt32());
        Assert.Contains("audio → video: for ", await PageAsync(miniatures["retrieval"]), StringComparison.Ordinal);
        Assert.InRange(json.RootElement.GetProperty("video_to_audio").GetProperty("recall").GetProperty("10").GetDouble(), 0, 100);
        var shared = await DoneAsync("eval", "retrieval", "--weights", miniatures.Run, "--data", cache, "--target", "class", "--device", "cpu", "--out", miniatures["shared"]);
        Assert.Matches(@"audio→video: R@1 [\d.]+ % \(chance [\d.]+\), R@5 [\d.]+ % \(chance [\d.]+\), R@10 [\d.]+ % \(chance [\d.]+\), median rank", shared.Output);
        await RefusedAsync("eval retrieval takes --weights RUN and --data CACHE, or --audio FILE and --video FILE", "eval", "retrieval", "--weights", miniatures.Run, "--audio", audio, "--out", miniatures["refused"]);
        var neighbours = await DoneAsync("eval", "knn", "--train", audio, "--val", audio, "--k", "3", "--out", miniatures["knn"]);
        Assert.Contains($"{Cache.Open(cache).Clips.Count} of {Cache.Open(cache).Clips.Count} test rows are training rows, too", neighbours.Output, StringComparison.Ordinal);
        string[] again = ["eval", "knn", "--train", audio, "--val", audio, "--k", "3", "--out", miniatures["knn"]];
        await RefusedAsync($"--out {miniatures["knn"]} holds results already (results.json)", again);
        await RefusedAsync("holds results already (retrieval.json)", "eval", "retrieval", "--audio", audio, "--video", video, "--out", miniatures["retrieval"]);
        var quiet = await DoneAsync([.. again, "--force", "--quiet"]);
        Assert.StartsWith("kinetics-sound knn audio", Assert.Single(quiet.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Empty(quiet.Error);
        var config = Path.Combine(AppContext.BaseDirectory, "configs", "eval", "svm", "folder.yaml");
        var fitted = await DoneAsync("eval", "svm", "--train", audio, "--val", audio, "--out", miniatures["streamed"]);
        Assert.DoesNotContain("not converged", fitted.Output, StringComparison.Ordinal);
        using var results = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(miniatures["streamed"], "results.json"), TestContext.Current.CancellationToken));
        Assert.True(results.RootElement.GetProperty("converged").GetBoolean());
        Assert.InRange(results.RootElement.GetProperty("passes").GetInt32(), 1, 10_000);
        Assert.Contains("\"kind\":\"points\"", await PageAsync(miniatures["streamed"]), StringComparison.Ordinal);
        var hasty = await DoneAsync("eval", "svm", "--train", audio, "--val", audio, "--set", "max_iterations=1", "--out", miniatures["hasty"]);
        Assert.Contains("raise max_iterations", hasty.Output, StringComparison.Ordinal);

        await RefusedAsync("--fold means nothing for feature files", "eval", "svm", "--config", config, "--train", audio, "--val", audio, "--fold", "1", "--out", miniatures["refused"]);
        await RefusedAsync("holds video features, not audio", "eval", "retrieval", "--audio", video, "--video", audio, "--out", miniatures["refused"]);
        await RefusedAsync("of different encoders (modality", "eval", "knn", "--train", audio, "--val", video, "--out", miniatures["refused"]);
        await RefusedAsync($"--out {audio} cannot be written to", "eval", "knn", "--train", audio, "--val", audio, "--out", audio);
    }

    [Fact]
    public async Task Eval_CacheTooSmall_Exits2WithTheIngestCommand()
    {
        string cache = await miniatures.CacheAsync("ucf101"), config = Path.Combine(AppContext.BaseDirectory, "configs", "eval", "finetune", "ucf101.yaml");
        var outcome = await XkdProcess.RunAsync("eval", "finetune", "--config", config, "--weights", miniatures.Run, "--train", cache, "--val", cache, "--out", miniatures["refused"], "--device", "cpu");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("--short-side 224", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".safetensors")]
    [InlineData(".pth")]
    public async Task Import_ExportedEncoder_KeepsItsDescription(string extension)
    {
        string exported = miniatures["exported" + extension], imported = miniatures["imported" + extension + ".safetensors"];
        await DoneAsync("export", miniatures.Run, "--modality", "audio", "--out", exported);
        await DoneAsync("import", exported, "--out", imported);
        await RefusedAsync($"--out {imported} exists; name another file, or write --force", "import", exported, "--out", imported);
        Assert.NotNull(EncoderDescription.Find(imported));
        Assert.Equal(ConfigBinder.ToYaml(EncoderDescription.Find(miniatures.Run)!), ConfigBinder.ToYaml(EncoderDescription.Find(imported)!));
    }

    [Fact]
    public async Task Export_Onnx_WritesTheNetworkAndRefusesWhatMeansNothing()
    {
        string network = miniatures["encoder.onnx"], weights = miniatures["sized.pth"];
        var outcome = await DoneAsync("export", miniatures.Run, "--modality", "video", "--frame-size", "64", "--out", network);
        Assert.Contains($"{network}: opset 17, ", outcome.Output, StringComparison.Ordinal);
        Assert.True(new FileInfo(network).Length > 1000);
        await RefusedAsync("the extension must be .safetensors, .pth or .onnx", "export", miniatures.Run, "--modality", "video", "--out", miniatures["encoder.pt"]);
        await RefusedAsync("--frame-size means nothing for", "export", miniatures.Run, "--modality", "video", "--frame-size", "64", "--out", weights);
        await RefusedAsync("--set means nothing for", "export", miniatures.Run, "--modality", "video", "--set", "encoder.heads=4", "--out", weights);
        await RefusedAsync("nothing for an encoder of audio", "export", miniatures.Run, "--modality", "audio", "--frame-size", "64", "--out", miniatures["audio.onnx"]);
        Assert.False(File.Exists(weights));
    }

    [Fact]
    public async Task Report_OutIsAFolder_Exits2NamingIt()
    {
        var folder = Directory.CreateDirectory(miniatures["folder"]).FullName;
        var outcome = await XkdProcess.RunAsync("report", miniatures.Run, "--out", folder);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains($"--out {folder} is a folder; name a file", outcome.Error, StringComparison.Ordinal);
    }

    private static Task<string> PageAsync(string folder) => File.ReadAllTextAsync(Path.Combine(folder, "report.html"), TestContext.Current.CancellationToken);

    private static async Task RefusedAsync(string why, params string[] arguments)
    {
        var outcome = await XkdProcess.RunAsync(arguments);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(why, outcome.Error, StringComparison.Ordinal);
    }

    private static async Task<ProcessOutcome> DoneAsync(params string[] arguments)
    {
        var outcome = await XkdProcess.RunAsync(arguments);
        Assert.True(outcome.ExitCode == 0, string.Join(' ', arguments) + "\n" + outcome.Error);
        return outcome;
    }
}
