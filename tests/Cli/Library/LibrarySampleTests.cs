using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.OnnxRuntime;
using Parquet.Serialization;
using Parquet.Serialization.Attributes;
using Xkd.Model.Evaluation;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Tests;

/// <summary>The samples, built outside the repository of the packages, run as processes on media of their own.</summary>
public sealed class LibrarySampleTests(Packages packages) : IClassFixture<Packages>, IDisposable
{
    private const int ClipsPerClass = 5;
    private readonly MediaMaker _media = new();
    private string _program = "";

    [Fact]
    public async Task Sample_FoldersOfMedia_BecomeWhatTheCommandMakesOfThem()
    {
        string media = _media["media"], output = _media["out"];
        MakeClips("media");
        _program = await packages.BuildAsync("xkd-sample", Code);
        Assert.Contains("is started by xkd ingest", (await XkdProcess.StartAsync(Path.Combine(Path.GetDirectoryName(_program)!, "xkd-decode"), [])).Error, StringComparison.Ordinal);
        string[] files = [_media.Clip("a.mp4", seconds: 3, size: "48x96"), _media.Clip("b.mp4", size: "96x48")];
        var first = await SampleAsync(media, output, files);
        Assert.Contains("top1 ", first, StringComparison.Ordinal);
        Assert.Contains($"{files[0]}: ", first, StringComparison.Ordinal);
        await using (var features = await FeatureFile.OpenAsync(Path.Combine(output, "features.parquet")))
        {
            Assert.Equal((2 * ClipsPerClass, 32), (features.Rows, features.Dim));
        }

        var model = Path.Combine(output, "classifier");
        var labelled = await ReadAsync(Path.Combine(output, "predictions.parquet"));
        var command = await XkdProcess.RunAsync(["predict", "--model", model, .. files, "--out", _media["predicted.parquet"]]);
        Assert.True(command.ExitCode == 0, command.Error);
        var expected = await ReadAsync(_media["predicted.parquet"]);
        Assert.Equal(files, expected.Select(p => p.Id));
        Assert.Equal(expected.Select(p => (p.Id, p.Predicted)), labelled.Select(p => (p.Id, p.Predicted)));
        Assert.All(expected.Zip(labelled), pair => Assert.All(pair.First.Scores.Zip(pair.Second.Scores), s => Assert.Equal(s.First, s.Second, 1e-5f)));

        // One window a clip: the network's best class is the prediction.
        Assert.Equal(0, (await XkdProcess.RunAsync(["ingest", "--dataset", "folder", "--root", media, "--out", _media["again"], "--short-side", "32"])).ExitCode);
        Assert.Equal(0, (await XkdProcess.RunAsync(["predict", "--model", model, "--data", _media["again"], "--out", _media["again.parquet"]])).ExitCode);
        var predictions = await ReadAsync(_media["again.parquet"]);
        Assert.Equal(predictions.Select(p => p.Predicted), await BestAsync(Path.Combine(output, "classifier.onnx"), Cache.Open(_media["again"])));

        // Done already: the same again, of the clips themselves.
        Assert.Contains("low/0.mp4: ", await SampleAsync(media, output, []), StringComparison.Ordinal);
        Assert.Equal(2 * ClipsPerClass, (await ReadAsync(Path.Combine(output, "predictions.parquet"))).Count);
    }

    [Fact]
    public async Task Sample_NoArguments_SaysHowItIsUsed()
    {
        var outcome = await XkdProcess.StartAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "xkd-sample.dll")]);
        Assert.Equal((2, string.Empty), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("usage: xkd-sample MEDIA OUT", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notebook_CellsInOrder_RunOnAFolderOfVideos()
    {
        MakeClips("my-videos");
        var program = await packages.BuildAsync("notebook", Packages.Notebook(RepositoryFiles.Find("samples", "own_videos.ipynb")));
        var outcome = await XkdProcess.StartAsync("dotnet", [program], folder: _media.Root);
        Assert.True(outcome.ExitCode == 0, $"exit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        foreach (var line in new[] { "10 clips committed, 0 files failed", "high: 5 clips", "8 of 8 steps", "10 clips, 32 values each" })
        {
            Assert.Contains(line, outcome.Output, StringComparison.Ordinal);
        }

        Assert.Equal(5, outcome.Output.Split('\n').Count(line => line.Contains(".mp4: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Sample_IsOnePage_AndTheDocumentationQuotesItWhole()
    {
        Assert.InRange(Code.Count(c => c == '\n'), 1, 80);
        var document = File.ReadAllText(RepositoryFiles.Find("docs", "library.md"));
        Assert.Contains($"```csharp\n{Code}```\n", document, StringComparison.Ordinal);
    }

    public void Dispose() => _media.Dispose();

    private static string Code => File.ReadAllText(RepositoryFiles.Find("samples", "library", "Program.cs"));

    private void MakeClips(string folder)
    {
        for (var i = 0; i < ClipsPerClass; i++)
        {
            _media.Clip($"{folder}/high/{i}.mp4", size: "48x96");
            _media.Clip($"{folder}/low/{i}.mp4", size: "96x48");
        }
    }

    private async Task<string> SampleAsync(string media, string output, string[] files)
    {
        var outcome = await XkdProcess.StartAsync("dotnet", [_program, media, output, .. files]);
        Assert.True(outcome.ExitCode == 0, $"exit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        return outcome.Output;
    }

    private static async Task<List<string>> BestAsync(string file, Cache cache)
    {
        using InferenceSession session = new(file);
        using RunOptions options = new();
        var classes = JsonSerializer.Deserialize<string[]>(session.ModelMetadata.CustomMetadataMap["xkd.classes"])!;
        var native = JsonSerializer.Deserialize<EncoderSection>(session.ModelMetadata.CustomMetadataMap["xkd.video"])!;
        List<string> best = [];
        await using var feed = new ClipFeed(cache, new EvaluationOptions { BatchSize = 1, Fps = native.Fps, Frames = native.Frames, FrameSize = native.Size });
        await foreach (var batch in feed.ReadEpochAsync(0, TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                using var input = OrtValue.CreateTensorValueFromMemory(batch.GlobalVideo!.Data, batch.GlobalVideo.Shape);
                using var outputs = session.Run(options, ["video"], [input], ["logits"]);
                var logits = outputs[0].GetTensorDataAsSpan<float>().ToArray();
                best.Add(classes[Array.IndexOf(logits, logits.Max())]);
            }
        }

        return best;
    }

    private static async Task<IReadOnlyList<Prediction>> ReadAsync(string file) =>
        [.. (await ParquetSerializer.DeserializeAsync<Prediction>(file, cancellationToken: TestContext.Current.CancellationToken)).Data.OrderBy(p => p.Id, StringComparer.Ordinal)];

    private sealed class Prediction
    {
        [ParquetRequired, JsonPropertyName("id")]
        public string Id { get; set; } = "";

        [ParquetRequired, JsonPropertyName("predicted")]
        public string Predicted { get; set; } = "";

        [JsonPropertyName("scores")]
        public List<float> Scores { get; set; } = [];
    }
}
