using System.Diagnostics;
using System.Globalization;

namespace Xkd.Cli.Tests;

/// <summary>
/// Two nodes on this machine: network namespaces with a cable between them, which can be made slow, lossy or cut. Open MPI starts ranks on both, as on two
/// machines. Needs root, and from Debian iproute2, nftables and openmpi-bin.
/// </summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class TwoNodes : IAsyncLifetime
{
    private const string Launcher = "mpirun.openmpi";
    private const int Clips = 24;

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-nodes-").FullName;
    private readonly string _name = $"xkd{Environment.ProcessId}";
    private readonly ManualResetEventSlim _over = new();
    private string? _missing;

    /// <summary>Losses of one process, once a test has asked for them.</summary>
    public double[]? Alone { get; set; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public string this[string name] => Path.Combine(_folder, name);

    public async ValueTask InitializeAsync()
    {
        string[] needed = ["ip", "tc", "nft", Launcher, "setpriv"];
        string[] missing = [.. needed.Where(program => !Places().Any(place => File.Exists(Path.Combine(place, program))))];
        if (missing.Length > 0)
        {
            _missing = $"{string.Join(", ", missing)} missing: apt-get install iproute2 nftables openmpi-bin util-linux";
            return;
        }

        if (await XkdProcess.StartAsync("ip", ["netns", "add", Node(1)]) is { ExitCode: not 0 } refused)
        {
            _missing = $"no network namespaces here; as root there may be: {refused.Error.Trim()}";
            return;
        }

        await IpAsync($"netns add {Node(2)}");
        await IpAsync($"link add name {_name}a netns {Node(1)} type veth peer name {_name}b netns {Node(2)}");
        foreach (var (node, card) in new[] { (1, "a"), (2, "b") })
        {
            await IpAsync($"-n {Node(node)} addr add {Address(node)}/30 dev {_name}{card}");
            await IpAsync($"-n {Node(node)} link set {_name}{card} up");
            await IpAsync($"-n {Node(node)} link set lo up");
        }

        // What starts a command on another machine, as ssh would.
        await TrainingCurve.WriteScriptAsync(this["agent"], $"host=$1; shift\nexec ip netns exec {_name}n${{host##*.}} sh -c \"$*\"");
        await TrainingCurve.WriteScriptAsync(this["xkd"], TrainingCurve.Command);

        // Last words go to a file: over a cable that is cut nothing else would bring them.
        await TrainingCurve.WriteScriptAsync(this["rank"], $"exec '{this["xkd"]}' \"$@\" 2> '{_folder}/errors-'$OMPI_COMM_WORLD_RANK.txt");
        await TrainingCurve.MakeClipsAsync(this["media"], Clips);
        await DoneAsync(this["xkd"], ["ingest", "--dataset", "folder", "--root", this["media"], "--out", this["cache"], "--short-side", "32"]);
    }

    public async ValueTask DisposeAsync()
    {
        _over.Set();
        if (_missing is null)
        {
            foreach (var node in new[] { 1, 2 })
            {
                using var down = Process.Start("ip", ["netns", "delete", Node(node)]);
                await down.WaitForExitAsync(CancellationToken.None);
                Assert.Equal(0, down.ExitCode);
            }
        }

        Directory.Delete(_folder, recursive: true);
    }

    public void Require() => Assert.SkipWhen(_missing is not null, _missing ?? "");

    /// <summary>Waiting on the cable: by netem where the kernel has it, else by a rate at which packets wait for each other.</summary>
    public async Task<string> SlowAsync()
    {
        var said = "";
        foreach (var (node, card) in new[] { (1, "a"), (2, "b") })
        {
            string[] place = ["-n", Node(node), "qdisc", "replace", "dev", _name + card, "root"];
            var delayed = await XkdProcess.StartAsync("tc", [.. place, "netem", "delay", "20ms"]);
            said = delayed.ExitCode == 0 ? "20 ms each way" : "40 Mbit/s with up to 400 ms of packets waiting";
            await (delayed.ExitCode == 0 ? Task.CompletedTask : DoneAsync("tc", [.. place, "tbf", "rate", "40mbit", "burst", "32kb", "latency", "400ms"]));
        }

        return said;
    }

    /// <summary>Loses packets that arrive: a share of them, or all (100).</summary>
    public async Task LoseAsync(int percent, params int[] at)
    {
        foreach (var node in at)
        {
            var what = percent == 100 ? "drop" : string.Create(CultureInfo.InvariantCulture, $"numgen random mod 100 < {percent} drop");
            await NftAsync(node, "add table inet xkd");
            await NftAsync(node, "add chain inet xkd arriving { type filter hook input priority 0 ; }");
            await NftAsync(node, $"add rule inet xkd arriving iifname \"{_name}{(node == 1 ? "a" : "b")}\" {what}");
        }
    }

    /// <summary>The cable is as good as new.</summary>
    public async Task MendAsync()
    {
        foreach (var (node, card) in new[] { (1, "a"), (2, "b") })
        {
            await XkdProcess.StartAsync("ip", ["netns", "exec", Node(node), "nft", "delete", "table", "inet", "xkd"]);
            await XkdProcess.StartAsync("tc", ["-n", Node(node), "qdisc", "delete", "dev", _name + card, "root"]);
        }
    }

    /// <summary>Starts a rank on each node.</summary>
    public Process Start(params string[] arguments)
    {
        foreach (var file in Directory.GetFiles(_folder, "errors-*.txt"))
        {
            File.Delete(file);
        }

        const string Network = "10.213.0.0/30";
        string[] command =
        [
            "netns", "exec", Node(1), "setpriv", "--pdeathsig", "KILL", Launcher, "-np", "2", "-H", $"{Address(1)},{Address(2)}", "--bind-to", "none",
            "--mca", "plm_rsh_agent", this["agent"], "--mca", "pml", "ob1", "--mca", "btl", "self,tcp",
            "--mca", "btl_tcp_if_include", Network, "--mca", "oob_tcp_if_include", Network,
            this["rank"], .. arguments,
        ];
        ProcessStartInfo start = new("ip", command)
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder,
        };
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"; // a network namespace takes root
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "1";

        // The signal comes when the thread has ended that started the launcher: a thread of the pool ends after some idle seconds, in the middle of a run.
        TaskCompletionSource<Process> launched = new();
        Thread parent = new(() =>
        {
            launched.SetResult(Process.Start(start)!);
            _over.Wait();
        }) { IsBackground = true };
        parent.Start();
        return launched.Task.GetAwaiter().GetResult();
    }

    /// <summary>What a rank has said last.</summary>
    public async Task<string> ErrorsAsync(int rank)
    {
        var file = this[$"errors-{rank}.txt"];
        return File.Exists(file) ? await File.ReadAllTextAsync(file, Ct) : "";
    }

    /// <summary>Processes of a run that are alive.</summary>
    public static int[] Alive(string run)
    {
        List<int> alive = [];
        foreach (var folder in Directory.GetDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            try
            {
                var words = File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0');
                if (words[0] == "dotnet" && words.Contains("train") && words.Contains(run))
                {
                    alive.Add(int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile.
            }
        }

        return [.. alive];
    }

    public async Task DoneAsync(string program, string[] arguments)
    {
        var outcome = await XkdProcess.StartAsync(program, arguments, folder: _folder);
        Assert.True(outcome.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {outcome.ExitCode}\n{outcome.Output}{outcome.Error}");
    }

    private static string Address(int node) => $"10.213.0.{node}";

    private static string[] Places() => (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':');

    private string Node(int node) => $"{_name}n{node}";

    private Task IpAsync(string arguments) => DoneAsync("ip", arguments.Split(' '));

    private Task NftAsync(int node, string command) => DoneAsync("ip", ["netns", "exec", Node(node), "nft", command]);
}
