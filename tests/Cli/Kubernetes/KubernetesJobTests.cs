using System.Diagnostics;
using System.Globalization;
using k8s.Models;
using Xkd.Cli.Tests.Docs;
using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Pipeline;
using YamlDotNet.Core;

namespace Xkd.Cli.Tests.Kubernetes;

/// <summary>
/// The jobs of configs/k8s without a Kubernetes: their fields against its types, and their commands run by the shell that they name, with the environment
/// that it gives. What a cluster alone can show is not shown: scheduling, volumes, evictions, the operator.
/// </summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class KubernetesJobTests(IngestedClips clips) : IDisposable
{
    private const string OpenMpi = "/usr/bin/mpirun.openmpi";

    private static readonly CommandCheck Check = new(CommandTree.Root());

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-cli-k8s-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("ingest-job.yaml")]
    [InlineData("train-mpijob.yaml")]
    [InlineData("eval-job.yaml")]
    public void File_FieldsAndValues_AreThoseOfKubernetes(string name) => DocumentationPages.AssertNone(new JobFile(JobFile.Read(name)).Faults());

    [Theory]
    [InlineData("ingest-job.yaml", "completions: 16", "completion: 16")]
    [InlineData("ingest-job.yaml", "completions: 16", "completions: sixteen")]
    [InlineData("ingest-job.yaml", "completions: 16", "completions: 16\n  completions: 8")]
    [InlineData("ingest-job.yaml", "mountPath: /media", "mountpath: /media")]
    [InlineData("ingest-job.yaml", "medium: Memory, sizeLimit", "medium: Memory, size")]
    [InlineData("eval-job.yaml", "runAsUser: 10001", "runAsUser: person")]
    [InlineData("train-mpijob.yaml", "slotsPerWorker: 4", "slotPerWorker: 4")]
    [InlineData("train-mpijob.yaml", "backoffLimit: 20", "backoffLimit: twenty")]
    [InlineData("train-mpijob.yaml", "tcpSocket:", "tcpSockets:")]
    public void File_FieldThatIsNone_IsRefused(string name, string written, string wrong) =>
        Assert.ThrowsAny<YamlException>(() => new JobFile(Changed(name, written, wrong)));

    [Fact]
    public void File_KindThatIsNone_IsRefused() =>
        Assert.ThrowsAny<Exception>(() => new JobFile(Changed("ingest-job.yaml", "apiVersion: batch/v1", "apiVersion: batch/v2")));

    [Theory]
    [InlineData("ingest-job.yaml", "restartPolicy: Never", "restartPolicy: Nevr")]
    [InlineData("ingest-job.yaml", "action: Ignore ", "action: Retry ")]
    [InlineData("ingest-job.yaml", "operator: In", "operator: Is")]
    [InlineData("ingest-job.yaml", "containerName: xkd", "containerName: main")]
    [InlineData("ingest-job.yaml", "completionMode: Indexed", "completionMode: NonIndexed")]
    [InlineData("ingest-job.yaml", "- name: shm", "- name: shared")]
    [InlineData("ingest-job.yaml", "runAsNonRoot: true", "runAsNonRoot: false")]
    [InlineData("ingest-job.yaml", "drop: [ALL]", "drop: []")]
    [InlineData("eval-job.yaml", "medium: Memory", "medium: Ram")]
    [InlineData("train-mpijob.yaml", "cleanPodPolicy: Running", "cleanPodPolicy: Ended")]
    [InlineData("train-mpijob.yaml", " Worker:", " Workers:")]
    [InlineData("train-mpijob.yaml", "replicas: 1", "replicas: 2")]
    public void File_ValueThatIsNone_IsFound(string name, string written, string wrong) => Assert.NotEmpty(new JobFile(Changed(name, written, wrong)).Faults());

    /// <summary>Each way that the program ends has one answer.</summary>
    [Theory]
    [InlineData(2, "FailJob")]
    [InlineData(75, "Ignore")]
    [InlineData(1, null)] // counts towards backoffLimitPerIndex
    [InlineData(137, null)]
    public void Ingest_ExitCode_HasItsAction(int code, string? action)
    {
        var rules = Ingest().Spec.PodFailurePolicy.Rules;
        Assert.Equal(action, rules.FirstOrDefault(rule => rule.OnExitCodes?.Values.Contains(code) == true)?.Action);
        Assert.Contains(rules, rule => rule.Action == "Ignore" && rule.OnPodConditions?.Any(condition => condition.Type == "DisruptionTarget") == true);
    }

    [Fact]
    public async Task Ingest_EveryPod_TakesAPartThatNoOtherTakes()
    {
        var job = Ingest();
        var count = job.Spec.Completions!.Value;
        List<(int, int)> parts = [];
        for (var index = 0; index < count; index++)
        {
            Pod pod = new(Container(job), index);
            var command = await CommandAsync(pod);
            Assert.Empty(Check.Faults(command, whole: true));
            var partition = command[Array.IndexOf(command, "--partition") + 1].Split('/');
            Assert.Equal("auto", partition[0]);
            parts.Add(SchedulerPartition.Read(pod.Environment.GetValueOrDefault, int.Parse(partition[1], CultureInfo.InvariantCulture)));
        }

        Assert.Equal(Enumerable.Range(1, count).Select(part => (part, count)), parts);
        Assert.Equal(count, job.Spec.Parallelism);
    }

    [Theory]
    [InlineData("--partition", "--partitions")]
    [InlineData("--dataset", "--data")]
    [InlineData("xkd ingest", "xkd injest")]
    public async Task Ingest_OptionThatIsNone_IsFound(string written, string wrong)
    {
        var job = new JobFile(Changed("ingest-job.yaml", written, wrong)).Jobs.First();
        Assert.NotEmpty(Check.Faults(await CommandAsync(new Pod(Container(job), 0)), whole: true));
    }

    [Fact]
    public async Task Ingest_TwoPodsAndTheMerge_MakeOneCache()
    {
        File.WriteAllText(Path.Combine(_folder, "xkd"), $"#!/bin/bash\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "xkd.dll")}' \"$@\"\n");
        MakeRunnable("xkd");
        JobFile file = new(JobFile.Read("ingest-job.yaml").Replace("16", "2", StringComparison.Ordinal));
        (string, string)[] variables =
            [("DATASET", "folder"), ("ROOT", clips.Clips), ("CACHE", Path.Combine(_folder, "cache")), ("INGEST_FLAGS", "--short-side 32"), ("HOME", _folder)];
        for (var index = 0; index < 2; index++)
        {
            var part = await new Pod(Container(file.Jobs.First()), index).RunAsync(_folder, variables);
            Assert.True(part.ExitCode == 0, part.Error);
        }

        var merged = await new Pod(Container(file.Jobs.Last())).RunAsync(_folder, variables);
        Assert.True(merged.ExitCode == 0, merged.Error);
        var ledger = await File.ReadAllLinesAsync(Path.Combine(_folder, "cache", "ledger.jsonl"), Ct);
        Assert.Equal(3, ledger.Length);
        Assert.Contains(ledger, line => line.Contains("failed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 0)] // the merge need not wait for items that failed
    [InlineData(75, 75)]
    [InlineData(137, 137)]
    public async Task Ingest_ProgramEnds_PodEndsAsItsPolicyExpects(int program, int pod)
    {
        StandIn("xkd", $"exit {program}");
        Assert.Equal(pod, (await new Pod(Container(Ingest()), 0).RunAsync(_folder)).ExitCode);
        Assert.Equal(pod, (await new Pod(Container(new JobFile(JobFile.Read("ingest-job.yaml")).Jobs.Last())).RunAsync(_folder)).ExitCode);
    }

    [Fact]
    public async Task Ingest_PodIsEvicted_ProgramCommitsAndExits75()
    {
        WaitingStandIn("TERM");
        using var pod = new Pod(Container(Ingest()), 0).Start(_folder);
        await StartedAsync(pod, 1);
        await XkdProcess.SignalAsync("TERM", $"{pod.Id}");
        Assert.Equal(75, (await Pod.EndAsync(pod)).ExitCode);
    }

    [Fact]
    public async Task Eval_EveryPod_TakesAFoldAndTheLastWritesTheMean()
    {
        var job = new JobFile(JobFile.Read("eval-job.yaml")).Jobs.Single();
        var results = Path.Combine(_folder, "out");
        StandIn("xkd", """
            for word; do
              case ${before:-} in --out) out=$word ;; --fold) fold=$word ;; esac
              before=$word
            done
            mkdir -p "$out"
            printf '{\n  "value": %s.5\n}\n' $fold >"$out/results.json"
            """);
        for (var index = 0; index < job.Spec.Completions; index++)
        {
            Assert.False(File.Exists(Path.Combine(results, "mean.json")));
            var outcome = await new Pod(Container(job), index).RunAsync(_folder, ("OUT", results));
            Assert.True(outcome.ExitCode == 0, outcome.Error);
            var command = Asked("xkd")[index];
            Assert.Empty(Check.Faults(command, whole: true));
            Assert.Equal($"{index + 1}", command[Array.IndexOf(command, "--fold") + 1]);
        }

        var mean = await File.ReadAllTextAsync(Path.Combine(results, "mean.json"), Ct);
        Assert.Equal("{ \"folds\": { \"1\": 1.5, \"2\": 2.5, \"3\": 3.5 }, \"value\": 2.5 }\n", mean);

        // Started again after its end, a pod leaves what is there.
        Assert.Equal(0, (await new Pod(Container(job), 0).RunAsync(_folder, ("OUT", results))).ExitCode);
        Assert.Equal(3, Asked("xkd").Count);
    }

    [Fact]
    public async Task Eval_FoldFails_PodFails()
    {
        StandIn("xkd", "exit 2");
        var job = new JobFile(JobFile.Read("eval-job.yaml")).Jobs.Single();
        Assert.Equal(2, (await new Pod(Container(job), 0).RunAsync(_folder, ("OUT", _folder))).ExitCode);
    }

    [Fact]
    public void Train_SlotsGpusAndBatch_AreOfOneNumber()
    {
        var job = Train();
        var limits = job.Spec.MpiReplicaSpecs["Worker"].Template.Spec.Containers[0].Resources.Limits;
        Assert.Equal($"{job.Spec.SlotsPerWorker}", limits["nvidia.com/gpu"].ToString());
        Assert.Equal(0, PretrainConfig.Load(RepositoryFiles.Find("configs", "pretrain", "xkd.yaml"), []).Batch % Ranks(job));
    }

    /// <summary>What mpi.Dockerfile prepares is what the MPIJob names.</summary>
    [Fact]
    public void Train_UserPortAndKeys_AreThoseOfTheImage()
    {
        var (job, image) = (Train(), JobFile.Read("mpi.Dockerfile"));
        var worker = job.Spec.MpiReplicaSpecs["Worker"].Template.Spec;
        Assert.Contains($"useradd --uid {worker.SecurityContext.RunAsUser} --create-home", image);
        Assert.Contains($"'HostKey {job.Spec.SshAuthMountPath}/id_rsa'", image);
        Assert.Contains($"'Port {worker.Containers[0].ReadinessProbe.TcpSocket.Port.Value}'", image);
        Assert.Contains($">{worker.Containers[0].Command[^1]}", image);
        Assert.Contains($"-t {worker.Containers[0].Image} ", image);
    }

    [Fact]
    public async Task Train_RanksOfOpenMpi_HaveTheirNumberAndTheLaunchersVariables()
    {
        await RequireOpenMpi4Async();
        var job = Train();
        File.CreateSymbolicLink(Path.Combine(_folder, "mpirun"), OpenMpi);
        StandIn("xkd", $"env >'{_folder}/rank-'$OMPI_COMM_WORLD_RANK");
        var outcome = await new Pod(Launcher(job)).RunAsync(_folder, [.. Operators(job), ("AWS_REGION", "here")]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Empty(Check.Faults(Asked("xkd")[0], whole: true));
        Assert.Equal("auto", Asked("xkd")[0][Array.IndexOf(Asked("xkd")[0], "--resume") + 1]);
        Assert.Equal(Ranks(job), Asked("xkd").Count);
        for (var rank = 0; rank < Ranks(job); rank++)
        {
            var variables = (await File.ReadAllLinesAsync(Path.Combine(_folder, $"rank-{rank}"), Ct))
                .Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2)
                .GroupBy(pair => pair[0], StringComparer.Ordinal).ToDictionary(pairs => pairs.Key, pairs => pairs.First()[1], StringComparer.Ordinal);
            var detected = RankEnvironment.Detect(variables.GetValueOrDefault);
            Assert.Equal((rank, Ranks(job), RankLauncher.OpenMpi), (detected.Rank, detected.Size, detected.Launcher));
            Assert.Equal(("here", "/opt/libtorch"), (variables["AWS_REGION"], variables["XKD_LIBTORCH"]));
        }
    }

    [Theory]
    [InlineData("ranks of Open MPI")]
    [InlineData("stand-in")]
    public async Task Train_LauncherGetsSigterm_RanksGetSigusr1AndItExits75(string with)
    {
        var job = Train();
        if (with == "stand-in")
        {
            StandIn("mpirun", "while [ $1 != xkd ]; do shift; done; exec \"$@\"");
        }
        else
        {
            await RequireOpenMpi4Async();
            File.CreateSymbolicLink(Path.Combine(_folder, "mpirun"), OpenMpi);
        }

        WaitingStandIn("USR1");
        using var launcher = new Pod(Launcher(job)).Start(_folder, [.. Operators(job)]);
        await StartedAsync(launcher, with == "stand-in" ? 1 : Ranks(job));
        await XkdProcess.SignalAsync("TERM", $"{launcher.Id}");
        Assert.Equal(75, (await Pod.EndAsync(launcher)).ExitCode);
    }

    [Fact]
    public async Task Scripts_Syntax_IsSound()
    {
        string[] files = ["ingest-job.yaml", "train-mpijob.yaml", "eval-job.yaml"];
        var containers = files.SelectMany(name => new JobFile(JobFile.Read(name)).Pods).SelectMany(pod => pod.Pod.Spec.Containers);
        string[] scripts =
            [.. containers.SelectMany(container => (container.Args ?? []).Concat(container.Lifecycle?.PreStop.Exec.Command.Skip(2) ?? []))];
        Assert.Equal(5, scripts.Length);
        foreach (var script in scripts)
        {
            var outcome = await XkdProcess.StartAsync("bash", ["-n", "-c", script]);
            Assert.True(outcome.ExitCode == 0, outcome.Error);
        }
    }

    private static V1Job Ingest() => new JobFile(JobFile.Read("ingest-job.yaml")).Jobs.First();

    private static MpiJob Train() => new JobFile(JobFile.Read("train-mpijob.yaml")).MpiJobs.Single();

    private static V1Container Container(V1Job job) => job.Spec.Template.Spec.Containers.Single();

    private static V1Container Launcher(MpiJob job) => job.Spec.MpiReplicaSpecs["Launcher"].Template.Spec.Containers.Single();

    private static int Ranks(MpiJob job) => job.Spec.SlotsPerWorker!.Value * job.Spec.MpiReplicaSpecs["Worker"].Replicas!.Value;

    private static string Changed(string name, string written, string wrong)
    {
        var text = JobFile.Read(name);
        Assert.Contains(written, text);
        return text.Replace(written, wrong, StringComparison.Ordinal);
    }

    // What the operator adds to a launcher; workers are this machine.
    private IEnumerable<(string Name, string Value)> Operators(MpiJob job)
    {
        var hosts = Path.Combine(_folder, "hostfile");
        File.WriteAllText(hosts, $"localhost slots={Ranks(job)}\n");
        return
        [
            ("OMPI_MCA_orte_keep_fqdn_hostnames", "true"), ("OMPI_MCA_orte_default_hostfile", hosts), ("OMPI_MCA_plm_rsh_args", "-o ConnectionAttempts=10"),
            ("OMPI_MCA_orte_set_default_slots", $"{job.Spec.SlotsPerWorker}"),
            ("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"), // of this machine: containers run tests as root
        ];
    }

    private async Task<string[]> CommandAsync(Pod pod)
    {
        StandIn("xkd", "");
        await pod.RunAsync(_folder);
        return Asked("xkd")[^1];
    }

    // Arguments of each call, in order.
    private List<string[]> Asked(string name) =>
        [.. Directory.GetFiles(_folder, $"asked-{name}-*").OrderBy(File.GetLastWriteTimeUtc).Select(file => File.ReadAllText(file).Split('\0')[..^1])];

    private void StandIn(string name, string body)
    {
        File.WriteAllText(Path.Combine(_folder, name), $"#!/bin/bash\nprintf '%s\\0' \"$@\" >'{_folder}/asked-{name}-'$$\n{body}\n");
        MakeRunnable(name);
    }

    // Waits without using the processor until it is signalled, and ends as the program does.
    private void WaitingStandIn(string signal) => StandIn(
        "xkd",
        $"trap 'exit 75' {signal}; mkfifo '{_folder}/never-'$$; exec 8<>'{_folder}/never-'$$; : >'{_folder}/started-'$$; while :; do read -r <&8; done");

    private async Task StartedAsync(Process process, int count)
    {
        while (Directory.GetFiles(_folder, "started-*").Length < count)
        {
            if (process.HasExited)
            {
                Assert.Fail($"it ended before {count} were started: {(await Pod.EndAsync(process)).Error}");
            }

            await Task.Delay(10, Ct);
        }
    }

    // The operator names the hosts by variables of Open MPI 4, as the job's image has it; 5 reads others, and counts the cores of this machine.
    private static async Task RequireOpenMpi4Async()
    {
        Assert.SkipUnless(File.Exists(OpenMpi), $"{OpenMpi} is not installed: apt-get install openmpi-bin");
        var version = (await XkdProcess.StartAsync("ompi_info", ["--version"])).Output.Split('\n')[0];
        Assert.SkipUnless(version.StartsWith("Open MPI v4.", StringComparison.Ordinal), $"{version} is not the 4 of the job's image");
    }

    private void MakeRunnable(string name) =>
        File.SetUnixFileMode(Path.Combine(_folder, name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}
