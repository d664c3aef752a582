using System.Diagnostics;
using System.Globalization;

namespace Xkd.Cli.Tests;

/// <summary>A SLURM of three nodes on this machine (<c>tools/cluster/slurm.sh</c>), media, and the cache that one process makes of them.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class SlurmCluster : IAsyncLifetime
{
    private const int Clips = 24;

    private static readonly string[] Ended = ["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"];

    private readonly string _slurm = Directory.CreateTempSubdirectory("xkd-slurm-").FullName;
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-jobs-").FullName;
    private string? _missing;
    private bool _up;

    public string Media => this["media"];

    public string Cache => this["single"];

    /// <summary>Losses of one uninterrupted process, once a test has asked for them.</summary>
    public double[]? Alone { get; set; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A path in the folder that jobs are submitted from.</summary>
    public string this[string name] => Path.Combine(_folder, name);

    public async ValueTask InitializeAsync()
    {
        string[] command = [RepositoryFiles.Find("tools", "cluster", "slurm.sh"), "up", "--nodes", "3", "--dir", _slurm, "--for", $"{Environment.ProcessId}"];
        var up = await XkdProcess.StartAsync("bash", command);
        Assert.True(up.ExitCode is 0 or 2, up.Output + up.Error);
        _missing = up.ExitCode == 2 ? up.Error.Trim() : null;
        _up = up.ExitCode == 0;
        if (!_up)
        {
            return;
        }

        await TrainingCurve.WriteScriptAsync(this["xkd"], TrainingCurve.Command);
        await TrainingCurve.MakeClipsAsync(Media, Clips);
        await DoneAsync(this["xkd"], ["ingest", "--dataset", "folder", "--root", Media, "--out", Cache, "--short-side", "32"]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_up)
        {
            // Not by the token of the tests: those that are cancelled leave nothing running, either.
            using var down = Process.Start("bash", [RepositoryFiles.Find("tools", "cluster", "slurm.sh"), "down", "--dir", _slurm]);
            await down.WaitForExitAsync(CancellationToken.None);
            Assert.Equal((0, false), (down.ExitCode, Directory.Exists(_slurm)));
        }
        else if (Directory.Exists(_slurm))
        {
            Directory.Delete(_slurm, recursive: true);
        }

        Directory.Delete(_folder, recursive: true);
    }

    public void Require() => Assert.SkipWhen(_missing is not null, _missing ?? "");

    /// <summary>A command that talks to the cluster, from the folder that jobs are submitted from; its output.</summary>
    public async Task<string> DoneAsync(string program, string[] arguments, params (string Name, string Value)[] variables)
    {
        var outcome = await XkdProcess.StartAsync(program, arguments, Variables(variables), _folder);
        Assert.True(outcome.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {outcome.ExitCode}\n{outcome.Output}{outcome.Error}");
        return outcome.Output.Trim();
    }

    /// <summary>Submits a job script as it is.</summary>
    /// <returns>The job's number.</returns>
    public Task<string> SubmitAsync(string script, string[] options, params (string Name, string Value)[] variables) =>
        DoneAsync("sbatch", ["--parsable", .. options, Script(script)], variables);

    public static string Script(string name) => RepositoryFiles.Find("configs", "slurm", name + ".sbatch");

    /// <summary>The state of a job, or one for each task of an array as <c>number state</c>.</summary>
    public async Task<string[]> StatesAsync(string job)
    {
        var lines = (await DoneAsync("squeue", ["--noheader", "--array", "--states=all", "--jobs", job, "--format=%K %T"])).Split('\n');
        return [.. lines.Select(l => l.Trim().Replace("N/A ", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    /// <summary>Waits until a job has ended for good.</summary>
    public async Task<string[]> EndedAsync(string job, int seconds = 90)
    {
        string[] states = [];
        await UntilAsync($"job {job} has ended", async () => (states = await StatesAsync(job)).All(s => Ended.Contains(s.Split(' ')[^1])), seconds);
        return states;
    }

    /// <summary>Waits for a condition; past its time, the test fails with the queue and the ends of all logs.</summary>
    public async Task UntilAsync(string what, Func<Task<bool>> holds, int seconds = 60)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(seconds))
            {
                Assert.Fail($"after {seconds} s it does not hold that {what}\n{await DoneAsync("squeue", ["--states=all"])}\n{await LogsAsync()}");
            }

            await Task.Delay(10, Ct);
        }
    }

    /// <summary>What every job wrote, without the lines of steps.</summary>
    public async Task<string> LogsAsync()
    {
        List<string> said = [];
        foreach (var log in Directory.GetFiles(_folder, "*.log"))
        {
            var lines = await File.ReadAllLinesAsync(log, Ct);
            said.AddRange([$"== {Path.GetFileName(log)}", .. lines.Where(l => !l.StartsWith("step ", StringComparison.Ordinal)).TakeLast(20)]);
        }

        return string.Join('\n', said) + "\n";
    }

    /// <summary>The xkd process of one task of an array; null while there is none.</summary>
    public static int? ProcessOf(string job, int task)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(f => char.IsAsciiDigit(Path.GetFileName(f)[0])))
        {
            try
            {
                var command = File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0');
                var environment = File.ReadAllText(Path.Combine(folder, "environ")).Split('\0');
                string[] ours = [$"SLURM_ARRAY_JOB_ID={job}", $"SLURM_ARRAY_TASK_ID={task}"];
                if (command is ["dotnet", _, "ingest", ..] && !ours.Except(environment).Any())
                {
                    return int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or it is another user's.
            }
        }

        return null;
    }

    private Dictionary<string, string> Variables((string Name, string Value)[] variables)
    {
        Dictionary<string, string> all = new(StringComparer.Ordinal) { ["SLURM_CONF"] = Path.Combine(_slurm, "slurm.conf") };
        foreach ((var name, var value) in variables)
        {
            all[name] = value;
        }

        return all;
    }
}
