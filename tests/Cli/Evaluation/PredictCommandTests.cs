using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

namespace Xkd.Cli.Tests;

public sealed class PredictCommandTests(IngestedMiniatures miniatures) : IClassFixture<IngestedMiniatures>
{
    [Fact]
    public async Task Predict_FilesAndTheirCache_ScoreAlikeAndABrokenFileIsNamed()
    {
        var (media, cache, model) = await TrainedAsync();
        File.WriteAllBytes(Path.Combine(media, "high", "broken.mp4"), [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))]);
        File.WriteAllText(Path.Combine(media, "notes.txt"), "no media");

        var cached = await RunAsync(0, "predict", "--model", model, "--data", cache, "--json", "--top", "2");
        var decoded = await RunAsync(3, "predict", "--model", model, media, "--json", "--out", miniatures["predicted.csv"], "--force");
        using JsonDocument fromCache = JsonDocument.Parse(cached.Output), fromFiles = JsonDocument.Parse(decoded.Output);
        var expected = fromCache.RootElement.GetProperty("predictions").EnumerateArray().ToDictionary(p => p.GetProperty("id").GetString()!, StringComparer.Ordinal);
        JsonElement[] made = [.. fromFiles.RootElement.GetProperty("predictions").EnumerateArray()];
        Assert.Equal(7, made.Length);
        foreach (var prediction in made)
        {
            var id = Path.GetRelativePath(media, prediction.GetProperty("id").GetString()!);
            Assert.Equal(expected[id].GetProperty("label").GetString(), prediction.GetProperty("label").GetString());
            Assert.Equal(expected[id].GetProperty("score").GetDouble(), prediction.GetProperty("score").GetDouble(), 1e-5);
            Assert.Equal(2, prediction.GetProperty("top").GetArrayLength());
        }

        // A file of 70 s was cut: its segments, and one summary.
        var cut = Assert.Single(made, p => p.GetProperty("segments").GetArrayLength() > 0);
        Assert.Equal([(0.0, 60.0), (60.0, 70.0)], cut.GetProperty("segments").EnumerateArray().Select(s => (s.GetProperty("start").GetDouble(), Math.Round(s.GetProperty("end").GetDouble()))));
        Assert.Equal(70, cut.GetProperty("end").GetDouble(), 0.2);

        var failed = Assert.Single(fromFiles.RootElement.GetProperty("failed").EnumerateArray());
        Assert.EndsWith("high/broken.mp4", failed.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(failed.GetProperty("reason").GetString()!);
        Assert.Contains("1 files that are no media are ignored", decoded.Error, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(miniatures["predicted.csv"], TestContext.Current.CancellationToken);
        Assert.Equal("id,item,label,predicted,score,start,end,high,low", lines[0]);
        Assert.Equal(1 + 7 + 2, lines.Length);
        Assert.Empty(Directory.GetDirectories(Path.Combine(miniatures["temporary"], $"xkd-predict-{Environment.UserName}")));
    }

    [Fact]
    public async Task Predict_AtATerminal_ShowsATableAndRefusesWhatMakesNoSense()
    {
        var (media, cache, model) = await TrainedAsync();
        var file = Path.Combine(media, "low", "0.mp4");
        var one = await RunAsync(0, "predict", "--model", model, file, "--top", "1");
        Assert.Matches(@"low/0\.mp4  (high|low) [01]\.\d{3}", one.Output);
        Assert.Contains("1 predicted, 0 failed", one.Output, StringComparison.Ordinal);

        await RefusedAsync("no clip is named", "--model", model);
        await RefusedAsync("name one of both", "--model", model, file, "--data", cache);
        await RefusedAsync("holds no classifier", "--model", media, file);
        await RefusedAsync("does not exist", "--model", model, file + "x");
        await RefusedAsync("this one predicts one", "--model", model, file, "--threshold", "0.5");
        await RefusedAsync(".parquet or .csv", "--model", model, file, "--out", miniatures["p.txt"]);
        await RefusedAsync("name it with --data", "--model", model, file, "--where", "split=val");
        File.WriteAllText(miniatures["there.csv"], "kept");
        await RefusedAsync("write --force", "--model", model, file, "--out", miniatures["there.csv"]);
        Assert.Equal("kept", await File.ReadAllTextAsync(miniatures["there.csv"], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Export_TheSameModel_IsANetworkWithItsClassesAndNothingElse()
    {
        var (_, _, model) = await TrainedAsync();
        string network = miniatures["classifier.onnx"], folder = Path.Combine(model, "classifier"), encoder = Path.Combine(folder, "encoder-video.safetensors");
        foreach (var from in new[] { model, folder })
        {
            var written = await RunAsync(0, "export", from, "--out", network);
            Assert.Contains($"{network}: opset 17, 16 features of the video teacher, 2 classes of linear", written.Output, StringComparison.Ordinal);
            using InferenceSession session = new(network);
            Assert.Equal(["video"], session.InputNames);
            Assert.Equal([-1, 2], session.OutputMetadata["logits"].Dimensions);
            Assert.Equal("[\"high\",\"low\"]", session.ModelMetadata.CustomMetadataMap["xkd.classes"]);
            using var said = JsonDocument.Parse(session.ModelMetadata.CustomMetadataMap["xkd.classifier"]);
            Assert.Equal((3, "softmax"), (said.RootElement.GetProperty("Windows").GetInt32(), said.RootElement.GetProperty("Scores").GetString()));
            File.Delete(network);
        }

        foreach (var (option, value) in new[] { ("--modality", "video"), ("--branch", "teacher"), ("--frame-size", "64"), ("--set", "encoder.heads=4") })
        {
            var refused = await RunAsync(2, "export", model, option, value, "--out", network);
            Assert.Contains($"{option} means nothing for the classifier in {folder}, which says what it is made of (video teacher); leave it out", refused.Error, StringComparison.Ordinal);
        }

        foreach (var extension in new[] { ".safetensors", ".pth" })
        {
            var refused = await RunAsync(2, "export", model, "--out", miniatures["weights" + extension]);
            Assert.Contains($"its encoders are files of weights already: {encoder}", refused.Error, StringComparison.Ordinal);
        }

        Assert.True(File.Exists(encoder));
        Assert.False(File.Exists(network));
    }

    private async Task RefusedAsync(string why, params string[] arguments)
    {
        var outcome = await RunAsync(2, ["predict", .. arguments, "--device", "cpu"]);
        Assert.Contains(why, outcome.Error, StringComparison.Ordinal);
    }

    // Two classes of a folder: pictures of two sizes and one long file, without a split; the classifier is trained once.
    private async Task<(string Media, string Cache, string Model)> TrainedAsync()
    {
        string media = miniatures["own"], cache = miniatures["own-cache"], model = miniatures["own-model"];
        if (Directory.Exists(model))
        {
            return (media, cache, model);
        }

        for (var i = 0; i < 3; i++)
        {
            miniatures.Media.Clip($"own/high/{i}.mp4", seconds: 2 + i, size: "48x96");
            miniatures.Media.Clip($"own/low/{i}.mp4", seconds: 2 + i, size: "96x48");
        }

        miniatures.Media.Clip("own/high/long.mp4", seconds: 70, size: "48x96", rate: 8);
        await RunAsync(0, "ingest", "--dataset", "folder", "--root", media, "--out", cache, "--short-side", "32");
        var config = Path.Combine(AppContext.BaseDirectory, "configs", "eval", "linear", "folder.yaml");
        var trained = await RunAsync(
            0, "eval", "linear", "--config", config, "--weights", miniatures.Run, "--train", cache, "--val", cache, "--out", model, "--set", "optim.epochs=2", "--device", "cpu");
        Assert.Contains("20 % of the recordings of each class", trained.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(model, "predictions.parquet")));
        return (media, cache, model);
    }

    private async Task<ProcessOutcome> RunAsync(int exitCode, params string[] arguments)
    {
        var temporary = Directory.CreateDirectory(miniatures["temporary"]).FullName;
        var outcome = await XkdProcess.RunAsync(new Dictionary<string, string>(StringComparer.Ordinal) { ["TMPDIR"] = temporary }, arguments);
        Assert.True(outcome.ExitCode == exitCode, $"{string.Join(' ', arguments)}\nexit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        return outcome;
    }
}
