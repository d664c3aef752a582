namespace Xkd.Cli.Tests;

/// <summary>The step benchmark beside stand-ins for PyTorch: what becomes of a side that cannot run.</summary>
public sealed class GpuStepTests : IDisposable
{
    private const string Peer = """
        echo "$2 begins" >>"$0.log"
        trap 'echo "$2 ends" >>"$0.log"' EXIT
        case $2 in
          gone) exit 3 ;;
          unavailable) echo '{"unavailable": "no such device"}' ;;
          chatty) echo hello ;;
          dies) echo '{}'; read steps; echo '{"ms": [1.5]}'; read steps; exit 4 ;;
          stays) echo '{}'; while read steps; do echo '{"ms": [2.5], "forward": 1}'; done ;;
        esac
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-step-").FullName;

    private string Script => Path.Combine(_folder, "train_step.py");

    [Theory]
    [InlineData("turns")]
    [InlineData("alone")]
    public async Task Step_PeersThatCannotRun_AreNamedAndTheOthersMeasured(string order)
    {
        var result = await RunAsync("cpu", "gone,unavailable,chatty,dies,stays", order);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        var lines = result.Output.Split('\n').ToList();
        var ours = lines.FindIndex(line => line.StartsWith("ours: ", StringComparison.Ordinal));
        Assert.Contains("gone is left out: it ended with exit code 3", lines);
        Assert.Contains("unavailable is left out: no such device", lines);
        Assert.Contains(lines, line => line.StartsWith("chatty is left out: ", StringComparison.Ordinal));
        Assert.Contains("dies is left out: it ended with exit code 4", lines);
        Assert.Contains(lines, line => line.StartsWith("stays: 2.5 ms a step of 1, 400.0 samples/s, ours takes ", StringComparison.Ordinal));
        Assert.Equal(order == "alone", ours < lines.IndexOf("gone is left out: it ended with exit code 3"));
        var log = await File.ReadAllLinesAsync(Script + ".log", TestContext.Current.CancellationToken);
        var oneByOne = log.Chunk(2).All(pair => pair[0].Replace("begins", "ends", StringComparison.Ordinal) == pair[1]);
        Assert.True(order == "turns" || oneByOne, string.Join('\n', log));
    }

    [Fact]
    public async Task Step_ThisSideCannotRun_Exits1WithItsReasonAndThePeersResult()
    {
        var result = await RunAsync("cuda:9", "stays", "");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("ours is left out: --device cuda:9: ", result.Output, StringComparison.Ordinal);
        Assert.Contains("stays: 2.5 ms a step of 1, 400.0 samples/s, forward 1.0", result.Output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<ProcessOutcome> RunAsync(string device, string styles, string order)
    {
        var bench = Path.Combine(AppContext.BaseDirectory.Replace("tests/Cli/bin", "tools/bench/bin", StringComparison.Ordinal), "Xkd.Bench.dll");
        Assert.SkipUnless(File.Exists(bench), $"{bench} is not built");
        await File.WriteAllTextAsync(Script, Peer, TestContext.Current.CancellationToken);
        var config = Path.Combine(AppContext.BaseDirectory, "configs/pretrain/tiny.yaml");
        return await XkdProcess.StartAsync("dotnet", [bench, "step", "2", _folder, "sh", config, device, "1", styles, order]);
    }
}
