using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Parquet.Serialization;
using Parquet.Serialization.Attributes;
using Xkd.Cli.Tests.Experiments;
using Xkd.Storage;

namespace Xkd.Cli.Tests.Docs;

/// <summary>
/// What the pages print is typed, line by line, in a folder that has what they speak of: a few small videos, miniatures of two data sets, tiny weights.
/// </summary>
public sealed partial class TypedCommandTests(DigitSources digits) : IClassFixture<DigitSources>, IDisposable
{
    private const string OpenMpi = "/usr/bin/mpirun.openmpi";
    private const string Slurm = "tests/Cli/Cluster/SlurmTests.cs";
    private const string Release = "tests/Cli/Release/ReleaseTests.cs";

    // A network and views that take seconds; the configurations that pages name ask for days.
    private static readonly string[] TinyTraining =
    [
        "--device", "cpu", "--max-steps", "2", "--set", "batch=2", "optim.epochs=2", "optim.warmup_epochs=1",
        "data.global_frames=8", "data.global_size=32", "data.local_frames=4", "data.local_size=16",
        "data.global_mel_frames=112", "data.local_mel_frames=32", "data.workers=1",
        "model.video_patch=[2,8,8]", "model.audio_patch=[8,16]", "model.encoder.dim=32", "model.encoder.depth=1",
        "model.encoder.heads=2", "model.decoder.dim=16", "model.decoder.depth=1", "model.decoder.heads=2",
        "model.projector.hidden=16", "model.projector.bottleneck=8", "model.projector.out=16",
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
        ["experiment avdigits generate"] = ["--train-per-class", "2", "--val-per-class", "1"],
        ["experiment avdigits run"] =
        [
            "--seed", "0", "--jobs", "2", "--set", "batch=10", "optim.epochs=1", "optim.warmup_epochs=1",
            "model.encoder.dim=16", "model.encoder.depth=1", "model.encoder.heads=2",
            "model.decoder.dim=16", "model.decoder.depth=1", "model.decoder.heads=2",
        ],
    };

    // Folders and devices of the pages, and what stands for them here.
    private static readonly (string Page, string Here)[] StandIns =
        [("/cache/", "cache/"), ("/data/", "data/"), ("/lustre/", "cache/"), ("s3://bucket/", "s3://xkd/"), ("cuda", "cpu")];
    private const string Servers = "http://localhost";
    private const string Benchmark = "XKD_CACHE_DIR=/nvme/xkd tools/bench/";

    // Pages whose lines are typed here.
    private static readonly string[] Typed =
        ["README.md", .. new[] { "guide", "answers", "deploy", "cache", "gpu", "ranks", "cluster", "experiment" }.Select(page => $"docs/{page}.md")];

    // How the other lines begin, and the test that runs them; or what a clean machine runs.
    private static readonly (string Line, string By)[] Elsewhere =
    [
        ("./xkd test cluster", Slurm),
        ("./xkd test release", Release),
        ("./xkd test", ".ci/run"),
        ("./xkd demo", "tests/Cli/DemoCommandTests.cs"),
        ("xkd demo", Release),
        ("./xkd profile train", "tests/Cli/ProfileCommandTests.cs"),
        ("srun --mpi", Slurm),
        ("DATASET=", Slurm),
        ("PROTOCOL=", Slurm),
        ("tools/cluster/slurm.sh", Slurm),
        ("export AWS_", "tests/Cli/ObjectStoreCommandTests.cs"),
        (Benchmark, "tests/Cli/Docs/TypedCommandTests.cs"),
        ("python3 tools/python/xkd_encoder.py", "tests/Model/Weights/PythonEncoderTests.cs"),
        ("duckdb", "tests/Storage/Export/CacheExporterTests.cs"),
        ("tools/gpu/bundle.sh", Release),
        ("tools/gpu/check.sh", Release),
        ("tar xzf xkd-", Release),
        ("xkd-gpu/run.sh", Release),
        ("apt-get install", Release),
        ("ln -s /opt/xkd", Release),
        ("xkd doctor --install-libtorch", Release),
        ("dotnet tool install xkd", Release),
        ("docker ", Release),
        ("(cd FOLDER && apptainer", Release),
        ("tools/release/version.sh", Release),
        ("git tag v", Release),
        ("tools/release/build.sh", Release),
        ("tools/release/try.sh xkd", Release),
        ("tools/distros/check.sh --only program", Release),
        ("tools/distros/check.sh bookworm trixie", Release),
        ("tools/release/images.sh", Release),
        ("dotnet list tools/xkd/Xkd.Cli.csproj package", Release),
        ("dotnet restore", Release),
        ("dotnet run --project samples/library", "tests/Cli/Library/LibrarySampleTests.cs"),
        ("dotnet build XKD.sln", ".ci/run"),
        ("tools/docs/build.sh", "tests/Cli/Docs/ReferencePageTests.cs"),
        ("--set ", "tests/Cli/Docs/DocumentedCommandTests.cs"),
    ];

    private readonly MediaMaker _media = new();
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _servers = new(StringComparer.Ordinal);

    public void Dispose() => _media.Dispose();

    /// <summary>A line that nothing runs is a fault; so is an entry of the lists above that no page has.</summary>
    [Fact]
    public void Lines_OfEveryPage_AreTypedHereOrRunElsewhere()
    {
        var blocks = DocumentationPages.All.SelectMany(page => page.Shell).Where(line => line.Text.Length > 0 && !line.Text.StartsWith('#'));
        PageText[] lines = [.. blocks, .. DocumentationPages.All.SelectMany(page => page.Code).Where(code => Script().IsMatch(code.Text))];
        bool IsTyped(PageText line) => Typed.Contains(line.Page) && ShellWords.Arguments(line.Text) is not null;
        DocumentationPages.AssertNone(lines.Where(line => By(line.Text) is null && !IsTyped(line)).Select(line => line.Fault("nothing runs it")));
        var old = Elsewhere.Where(other => !lines.Any(line => line.Text.StartsWith(other.Line, StringComparison.Ordinal)));
        DocumentationPages.AssertNone(old.Select(other => $"no page has '{other.Line}'"));
        Assert.All(Elsewhere, other => Assert.Matches(@"^(tests/.*Tests\.cs|\.ci/run)$", other.By));
        Assert.All(Elsewhere, other => Assert.True(File.Exists(RepositoryFiles.Find(other.By)), other.By));
        Assert.Null(By("rm -rf /"));
    }

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
            string[] modality = ["--modality", name == "audio" ? "audio" : "video"];
            await RunAsync(["features", "--weights", "runs/av", "--data", "cache", "--out", $"{name}.parquet", .. modality]);
        }

        await TypeAsync("docs/guide.md", least: 25);
        Directory.Delete(_media["out"], recursive: true); // the next page writes there, too
        File.Delete(_media["labels.parquet"]);
        await TypeAsync("docs/answers.md", least: 9);
        await TypeAsync("docs/deploy.md", least: 5);
        await RunAsync("ingest", "--dataset", "kinetics400", "--root", "data/k400", "--split", "train", "--out", "cache/audioset");
        Directory.Delete(_media["runs/av"], recursive: true);
        var ids = Cache.Open(_media["cache/k400"]).Clips.Select(clip => clip.Id).ToList();
        var scores = ids.Select((id, i) => new Score { Id = id, Value = 0.1 * (i + 1) });
        await ParquetSerializer.SerializeAsync(scores, _media["fixed.parquet"], cancellationToken: TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(_media["takedown.txt"], ids.Take(1), TestContext.Current.CancellationToken);
        await TypeAsync("docs/cache.md", least: 10);
    }

    /// <summary>With two ranks in place of sixteen, a server in this process in place of MinIO, and the CPU in place of a GPU.</summary>
    [Fact]
    public async Task PagesOfMachines_TheirCommands_Run()
    {
        MakeWorld();
        Miniatures.Make("kinetics400", _media, new MiniatureOptions { Seconds = 4.5, ClipsPerClass = 2 }, folder: "data/k400");
        using ObjectServer server = new();
        _environment["AWS_ENDPOINT_URL_S3"] = server.Endpoint;
        _environment["AWS_ACCESS_KEY_ID"] = _environment["AWS_SECRET_ACCESS_KEY"] = "test";
        _environment["XKD_CACHE_DIR"] = _media["copies"];
        foreach (var allowed in new[] { "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe" })
        {
            _environment[allowed] = "1";
        }

        await TypeAsync("docs/cluster.md", least: 4);
        await TypeBenchmarkAsync();
        Directory.Delete(_media["runs"], recursive: true);
        await RunAsync("ingest", "--dataset", "kinetics400", "--root", "data/k400", "--out", "cache/k400");
        await TypeAsync("docs/gpu.md", least: 4);
        Directory.Delete(_media["runs"], recursive: true);
        await TypeAsync("docs/ranks.md", least: 1);
    }

    [Fact]
    public async Task PageOfTheExperiment_ItsCommands_Run()
    {
        Directory.CreateSymbolicLink(_media["MNIST"], digits.Mnist);
        Directory.CreateSymbolicLink(_media["FSDD"], digits.Fsdd);
        await TypeAsync("docs/experiment.md", least: 8);
    }

    [Fact]
    public async Task Guide_ItsCommandsWithServers_Run()
    {
        MakeWorld();
        await RunAsync("ingest", "--dataset", "folder", "--root", "videos", "--out", "caches/own");
        using MlflowServer tracking = new();
        using MetricsCollector collector = new();
        _servers["http://localhost:5000"] = tracking.Uri.ToString();
        _servers["http://localhost:4318"] = collector.Uri;
        await TypeAsync("docs/guide.md", least: 2);
        Assert.NotEmpty(collector.Requests);
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

    private static string? By(string line) => Elsewhere.FirstOrDefault(other => line.StartsWith(other.Line, StringComparison.Ordinal)).By;

    // Lines that name a server are typed where there is one, and then they alone.
    private async Task TypeAsync(string page, int least)
    {
        Assert.Contains(page, Typed);
        var typed = 0;
        foreach (var line in MarkdownPage.Load(page).Shell)
        {
            var namesServer = line.Text.Contains(Servers, StringComparison.Ordinal);
            if (ShellWords.Arguments(line.Text) is { } words && By(line.Text) is null && namesServer == _servers.Count > 0)
            {
                typed++;
                words = [.. words.Select(word => StandIns.Aggregate(word, (text, one) => text.Replace(one.Page, one.Here, StringComparison.Ordinal)))];
                words = [.. words.Select(word => _servers.GetValueOrDefault(word, word))];
                await RunAsync(words, ranks: line.Text.StartsWith("mpirun", StringComparison.Ordinal) ? 2 : 1);
            }
        }

        Assert.InRange(typed, least, int.MaxValue);
    }

    // Built with the tests, beside the command.
    private async Task TypeBenchmarkAsync()
    {
        var line = MarkdownPage.Load("docs/cluster.md").Shell.Single(text => text.Text.StartsWith(Benchmark, StringComparison.Ordinal)).Text;
        (string Page, string Here)[] here = [("/nvme/xkd", _media["copies"]), ("tools/bench/", RepositoryFiles.Find("tools/bench/")), .. StandIns];
        var typed = here.Aggregate(line, (text, one) => text.Replace(one.Page, one.Here, StringComparison.Ordinal));
        var outcome = await XkdProcess.StartAsync("bash", ["-c", typed], _environment, _media.Root);
        Assert.True(outcome.ExitCode == 0, $"{typed}: exit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        Assert.Contains("copies to ranges", outcome.Output, StringComparison.Ordinal);
    }

    private Task RunAsync(params string[] words) => RunAsync(words, ranks: 1);

    private async Task RunAsync(string[] words, int ranks)
    {
        var shorter = Shorter.FirstOrDefault(verb => string.Join(' ', words).StartsWith(verb.Key, StringComparison.Ordinal)).Value ?? [];
        string[] command = words is ["experiment", "avdigits", ..]
            ? [Path.Combine(AppContext.BaseDirectory, "xkd-avdigits"), .. words[2..], .. shorter]
            : ["dotnet", Path.Combine(AppContext.BaseDirectory, "xkd.dll"), .. words, .. shorter];
        if (ranks > 1 && !File.Exists(OpenMpi))
        {
            TestContext.Current.AddWarning($"{OpenMpi} is missing (apt-get install openmpi-bin libopenmpi3); one rank: xkd {string.Join(' ', words)}");
            ranks = 1;
        }

        var outcome = ranks > 1
            ? await XkdProcess.StartAsync(OpenMpi, ["-np", $"{ranks}", "--bind-to", "none", .. command], _environment, _media.Root)
            : await XkdProcess.StartAsync(command[0], command[1..], _environment, _media.Root);
        Assert.True(outcome.ExitCode == 0, $"xkd {string.Join(' ', words)}: exit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
    }

    // Within the text, too, a script is there to be typed.
    [GeneratedRegex(@"^tools/\S+\.sh( |$)")]
    private static partial Regex Script();
}
