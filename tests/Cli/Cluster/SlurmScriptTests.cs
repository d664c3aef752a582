using System.Diagnostics;
using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary>The job scripts of configs/slurm under a scheduler that is made up: its variables, and commands that write down what they were asked.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class SlurmScriptTests(IngestedClips clips) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-cli-slurm-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("ingest")]
    [InlineData("train")]
    [InlineData("eval")]
    public async Task Script_Syntax_IsSound(string name)
    {
        var checkedOutcome = await XkdProcess.StartAsync("bash", ["-n", Script(name)]);
        Assert.True(checkedOutcome.ExitCode == 0, checkedOutcome.Error);
        var lines = await File.ReadAllLinesAsync(Script(name), Ct);
        Assert.Contains(lines, l => l == "#SBATCH --requeue");
        Assert.True(Array.FindLastIndex(lines, l => l.StartsWith("#SBATCH", StringComparison.Ordinal)) < Array.FindIndex(lines, l => l.StartsWith("set ", StringComparison.Ordinal)), "SLURM reads no #SBATCH after the first command");
    }

    [Fact]
    public async Task Ingest_EveryTaskOfAnArrayThenTheMerge_MakesOneCache()
    {
        var cache = Path.Combine(_folder, "cache");
        for (var task = 0; task < 2; task++)
        {
            var outcome = await RunAsync("ingest", ("CACHE", cache), ("DATASET", "folder"), ("ROOT", clips.Clips), ("INGEST_FLAGS", "--short-side 32"),
                ("SLURM_ARRAY_TASK_ID", $"{task}"), ("SLURM_ARRAY_TASK_COUNT", "2"), ("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_CPUS_PER_TASK", "1"));
            Assert.True(outcome.ExitCode == 0, outcome.Error);
        }

        var merged = await RunAsync("ingest", ("CACHE", cache), ("XKD_MERGE", "1"));
        Assert.True(merged.ExitCode == 0, merged.Error);
        Assert.Equal(["part-1-of-2-000001.jsonl", "part-2-of-2-000001.jsonl"], Directory.GetFiles(Path.Combine(cache, "ledger")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(await StatesAsync(clips.Cache), await StatesAsync(cache));
    }

    [Fact]
    public async Task Ingest_OnALoginNode_SubmitsTheArrayAndAMergeThatWaitsForIt()
    {
        await CommandAsync("sbatch", "echo 4711");
        await CommandAsync("xkd", "");
        var outcome = await RunAsync("ingest", ["--array=0-3"], ("CACHE", "s3://xkd/c"), ("DATASET", "folder"), ("ROOT", "/data"), ("SLURM_JOB_ID", ""));
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        var asked = await AskedAsync();
        Assert.Contains(asked, a => a.StartsWith("sbatch ", StringComparison.Ordinal) && a.Contains("--array=0-3", StringComparison.Ordinal));
        Assert.Contains(asked, a => a.Contains("XKD_MERGE=1 --dependency=afterok:4711", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ingest")]
    [InlineData("train")]
    public async Task Script_ProgramMissing_FailsWithItsCode(string name)
    {
        await CommandAsync("srun", "exit 127");
        await CommandAsync("xkd", "exit 127");
        var outcome = await RunAsync(name, ("CACHE", "c"), ("DATASET", "d"), ("ROOT", "r"), ("CONFIG", "c"), ("DATA", "d"), ("RUN", "r"), ("SLURM_ARRAY_TASK_ID", "0"));
        Assert.Equal(127, outcome.ExitCode);
    }

    [Theory]
    [InlineData("ingest", "USR1")]
    [InlineData("ingest", "TERM")]
    [InlineData("train", "USR1")]
    [InlineData("train", "TERM")]
    public async Task Script_SignalAheadOfTheEnd_ReachesTheProgramAndRequeuesTheJobUnlessSlurmDecides(string name, string signal)
    {
        var started = Path.Combine(_folder, "started");
        await CommandAsync("xkd", $"trap 'echo got USR1 >>\"{_folder}/asked\"; exit 75' USR1; mkfifo \"{_folder}/never\"; touch '{started}'; exec 8<>\"{_folder}/never\"; while :; do read -r <&8; done");
        await CommandAsync("srun", "shift 2; exec \"$@\"");
        await CommandAsync("scontrol", "");
        using var job = Start(name, [], ("CACHE", "c"), ("DATASET", "d"), ("ROOT", "r"), ("CONFIG", "c"), ("DATA", "d"), ("RUN", "r"), ("SLURM_ARRAY_TASK_ID", "0"));
        while (!File.Exists(started))
        {
            Assert.False(job.HasExited, "the script ended before the program began");
            await Task.Delay(10, Ct);
        }

        await XkdProcess.SignalAsync(signal, $"{job.Id}");
        await job.WaitForExitAsync(Ct);
        var asked = await AskedAsync();
        Assert.Contains("got USR1", asked);
        Assert.Equal(signal == "USR1", asked.Contains("scontrol requeue 99"));
        Assert.Equal(signal == "USR1" ? 0 : 75, job.ExitCode);
    }

    private static async Task<string[]> StatesAsync(string cache) =>
        [.. (await File.ReadAllLinesAsync(Path.Combine(cache, "ledger.jsonl"), Ct)).Select(l => JsonDocument.Parse(l).RootElement).Select(l => $"{l.GetProperty("id")} {l.GetProperty("state")} {l.GetProperty("reason")}")];

    private static string Script(string name) => RepositoryFiles.Find("configs", "slurm", name + ".sbatch");

    private Task<ProcessOutcome> RunAsync(string name, params (string Name, string Value)[] variables) => RunAsync(name, [], variables);

    private Task<ProcessOutcome> RunAsync(string name, string[] arguments, params (string Name, string Value)[] variables) =>
        XkdProcess.StartAsync("bash", [Script(name), .. arguments], Variables(variables), _folder);

    private Process Start(string name, string[] arguments, params (string Name, string Value)[] variables)
    {
        ProcessStartInfo info = new("bash", [Script(name), .. arguments]) { UseShellExecute = false, WorkingDirectory = _folder };
        foreach ((var variable, var value) in Variables(variables))
        {
            info.Environment[variable] = value;
        }

        return Process.Start(info)!;
    }

    private Dictionary<string, string> Variables((string Name, string Value)[] variables)
    {
        // The program itself, unless a stand-in was written.
        var xkd = Path.Combine(_folder, "xkd");
        if (!File.Exists(xkd))
        {
            File.WriteAllText(xkd, $"#!/usr/bin/env bash\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "xkd.dll")}' \"$@\"\n");
            MakeRunnable(xkd);
        }

        Dictionary<string, string> all = new(StringComparer.Ordinal)
        {
            ["PATH"] = $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}", ["SLURM_JOB_ID"] = "99", ["SLURM_SUBMIT_DIR"] = _folder,
        };
        foreach ((var name, var value) in variables)
        {
            all[name] = value;
        }

        return all;
    }

    private async Task CommandAsync(string name, string body)
    {
        var path = Path.Combine(_folder, name);
        await File.WriteAllTextAsync(path, $"#!/usr/bin/env bash\necho {name} \"$@\" >>'{_folder}/asked'\n{body}\n", Ct);
        MakeRunnable(path);
    }

    private async Task<string[]> AskedAsync() => await File.ReadAllLinesAsync(Path.Combine(_folder, "asked"), Ct);

    private static void MakeRunnable(string path) => File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}
