using System.Text.Json.Serialization;
using Parquet.Serialization;
using Parquet.Serialization.Attributes;
using Xkd.Storage;

namespace Xkd.Cli.Tests.Docs;

/// <summary>What the pages print is typed, line by line, in a folder that has what they speak of: a few small videos, miniatures of two data sets, tiny weights.</summary>
public sealed class TypedCommandTests : IDisposable
{
    // A network and views that take seconds; the configurations that pages name ask for days.
    private static readonly string[] TinyTraining =
    [
        "--device", "cpu", "--max-steps", "2", "--set", "batch=2", "optim.epochs=2", "optim.warmup_epochs=1", "data.global_frames=8", "data.global_size=32", "data.local_frames=4", "data.local_size=16",
        "data.global_mel_frames=112", "data.local_mel_frames=32", "data.workers=1", "model.video_patch=[2,8,8]", "model.audio_patch=[8,16]", "model.encoder.dim=32", "model.encoder.depth=1",
        "model.encoder.heads=2", "model.decoder.dim=16", "model.decoder.depth=1", "model.decoder.heads=2", "model.projector.hidden=16", "model.projector.bottleneck=8", "model.projector.out=16",
    ];

    // Of each verb, what makes it short. What is typed for an hour on a cluster is typed here for seconds.
    private static readonly Dictionary<string, string[]> Shorter = new(StringComparer.Ordinal)
    {
        ["ingest"] = ["--short-side", "32"],
        ["train"] = TinyTraining,
        ["eval svm"] = ["--smoke"],
        ["eval linear"] = ["--smoke"],
        ["eval finetune"] = ["--smoke"],
        ["profile ingest"] = ["--clips", "2"],
        ["profile step"] = ["--config", "tiny", "--device", "cpu"],
        ["selfcheck"] = ["--steps", "2"],
    };

    // Other tests run these: the launcher's, and those of the demo, the experiment, the profile of training, and tracking servers.
    private static readonly string[] Elsewhere = ["test", "demo", "experiment", "profile train"];
    private const string Servers = "http://localhost";

    private readonly MediaMaker _media = new();

    public void Dispose() => _media.Dispose();

    [Fact]
    public void ReadMe_IsReadInMinutes()
    {
        var words = File.ReadAllText(RepositoryFiles.Find("README.md")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.InRange(words, 1, 900);
    }

    [Fact]
    public async Task ReadMe_ItsCommands_LeadFromVideosToATable()
    {
        MakeWorld();
        await TypeAsync("README.md", least: 4);
        await using var features = await FeatureFile.OpenAsync(_media["features.parquet"]);
        Assert.Equal(8, features.Rows);
    }

    /// <summary>In the order in which a reader meets them: later pages stand on what earlier ones made.</summary>
    [Fact]
    public async Task Pages_TheirCommands_Run()
    {
        MakeWorld();
        Miniatures.Make("kinetics400", _media, new MiniatureOptions { Seconds = 4.5, ClipsPerClass = 2 }, folder: "data/k400");
        Miniatures.Make("ucf101", _media, folder: "data/ucf101");
        foreach (var clip in new[] { "a/0.mp4", "b/1.mp4" })
        {
            Directory.CreateDirectory(_media["new_clips"]);
            File.Copy(_media[$"videos/{clip}"], Path.Combine(_media["new_clips"], clip.Replace('/', '-')));
        }

        // Runs and files that pages take for granted.
        await RunAsync("ingest", "--dataset", "folder", "--root", "videos", "--out", "cache");
        await RunAsync("train", "--config", "tiny", "--data", "cache", "--out", "runs/av");
        await RunAsync("export", "runs/av", "--modality", "video", "--branch", "teacher", "--out", "encoder.pth");
        File.Move(_media["encoder.pth"], _media["XKD.pth.tar"]);
        foreach (var name in new[] { "train", "val", "audio", "video" })
        {
            await RunAsync("features", "--weights", "runs/av", "--data", "cache", "--out", $"{name}.parquet", "--modality", name == "audio" ? "audio" : "video");
        }

        await TypeAsync("docs/guide.md", least: 25);
        Directory.Delete(_media["out"], recursive: true); // the next page writes there, too
        File.Delete(_media["labels.parquet"]);
        await TypeAsync("docs/answers.md", least: 9);
        await TypeAsync("docs/deploy.md", least: 5);
        await RunAsync("ingest", "--dataset", "kinetics400", "--root", "data/k400", "--split", "train", "--out", "cache/audioset");
        Directory.Delete(_media["runs/av"], recursive: true);
        var ids = Cache.Open(_media["cache/k400"]).Clips.Select(clip => clip.Id).ToList();
        await ParquetSerializer.SerializeAsync(ids.Select((id, i) => new Score { Id = id, Value = 0.1 * (i + 1) }), _media["fixed.parquet"], cancellationToken: TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(_media["takedown.txt"], ids.Take(1), TestContext.Current.CancellationToken);
        await TypeAsync("docs/cache.md", least: 10);
    }

    private sealed class Score
    {
        [ParquetRequired, JsonPropertyName("id")]
        public string Id { get; set; } = "";

        [JsonPropertyName("score")]
        public double Value { get; set; }
    }

    private void MakeWorld()
    {
        Directory.CreateSymbolicLink(_media["configs"], RepositoryFiles.Find("configs"));
        foreach (var name in new[] { "a", "b" })
        {
            for (var i = 0; i < 4; i++)
            {
                _media.Clip($"videos/{name}/{i}.mp4", seconds: 4.5, size: name == "a" ? "96x64" : "64x96");
            }
        }
    }

    private async Task TypeAsync(string page, int least)
    {
        var typed = 0;
        foreach (var line in MarkdownPage.Load(page).Shell)
        {
            if (ShellWords.Arguments(line.Text) is { } words && !Elsewhere.Any(other => string.Join(' ', words).StartsWith(other, StringComparison.Ordinal))
                && !line.Text.Contains(Servers, StringComparison.Ordinal))
            {
                typed++;
                await RunAsync([.. words.Select(word => word.Replace("/cache/", "cache/", StringComparison.Ordinal).Replace("/data/", "data/", StringComparison.Ordinal))]);
            }
        }

        Assert.InRange(typed, least, int.MaxValue);
    }

    private async Task RunAsync(params string[] words)
    {
        var shorter = Shorter.FirstOrDefault(verb => string.Join(' ', words).StartsWith(verb.Key, StringComparison.Ordinal)).Value ?? [];
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "xkd.dll"), .. words, .. shorter];
        var outcome = await XkdProcess.StartAsync("dotnet", arguments, folder: _media.Root);
        Assert.True(outcome.ExitCode == 0, $"xkd {string.Join(' ', words)}: exit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
    }
}
