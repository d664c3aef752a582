using k8s;
using k8s.Models;

namespace Xkd.Cli.Tests.Kubernetes;

/// <summary>A file of configs/k8s, read as the API server reads it: unknown fields, doubled keys and values of another type are refused.</summary>
internal sealed class JobFile
{
    private static readonly Dictionary<string, Type> Kinds = new(StringComparer.Ordinal)
    {
        ["batch/v1/Job"] = typeof(V1Job), ["kubeflow.org/v2beta1/MPIJob"] = typeof(MpiJob),
    };

    private readonly List<object> _objects;

    /// <exception cref="YamlDotNet.Core.YamlException">It is refused.</exception>
    public JobFile(string text) => _objects = KubernetesYaml.LoadAllFromString(text, Kinds, strict: true);

    public IEnumerable<V1Job> Jobs => _objects.OfType<V1Job>();

    public IEnumerable<MpiJob> MpiJobs => _objects.OfType<MpiJob>();

    /// <summary>Every pod that it asks for, with its restart policy.</summary>
    public IEnumerable<(V1PodTemplateSpec Pod, string? Restart)> Pods =>
        Jobs.Select(job => (job.Spec.Template, (string?)job.Spec.Template.Spec.RestartPolicy))
            .Concat(MpiJobs.SelectMany(job => job.Spec.MpiReplicaSpecs.Values).Select(replicas => (replicas.Template, replicas.RestartPolicy)));

    public static string Read(string name) => File.ReadAllText(RepositoryFiles.Find("configs", "k8s", name));

    /// <summary>
    /// What the API server or the operator would refuse beyond the types, and what Kubernetes would take but no run should have; nothing where all is well.
    /// </summary>
    public IEnumerable<string> Faults() =>
        [.. Jobs.SelectMany(OfJob), .. MpiJobs.SelectMany(OfMpiJob), .. Pods.SelectMany(pod => OfPod(pod.Pod.Spec, pod.Restart))];

    private static IEnumerable<string> OfJob(V1Job job)
    {
        var (spec, pod) = (job.Spec, job.Spec.Template.Spec);
        if (spec.CompletionMode is not (null or "Indexed" or "NonIndexed"))
        {
            yield return $"completionMode {spec.CompletionMode}";
        }

        if (spec.PodReplacementPolicy is not (null or "Failed"))
        {
            yield return $"podReplacementPolicy {spec.PodReplacementPolicy} beside a podFailurePolicy";
        }

        if (spec.BackoffLimitPerIndex is not null && spec.CompletionMode != "Indexed")
        {
            yield return "backoffLimitPerIndex of a Job without indexes";
        }

        foreach (var rule in spec.PodFailurePolicy?.Rules ?? [])
        {
            if (rule.Action is not ("FailJob" or "FailIndex" or "Ignore" or "Count") || (rule.Action == "FailIndex" && spec.BackoffLimitPerIndex is null))
            {
                yield return $"action {rule.Action}";
            }

            if ((rule.OnExitCodes is null) == (rule.OnPodConditions is null or []))
            {
                yield return $"a rule of {rule.Action} with not one cause";
            }

            if (rule.OnExitCodes is { } codes && (codes.OperatorProperty is not ("In" or "NotIn") || codes.Values is null or [] || codes.Values.Contains(0)
                || pod.Containers.All(container => container.Name != codes.ContainerName)))
            {
                yield return $"exit codes {codes.OperatorProperty} {string.Join(',', codes.Values ?? [])} of container {codes.ContainerName}";
            }
        }
    }

    // As the operator's pkg/apis/kubeflow/validation does.
    private static IEnumerable<string> OfMpiJob(MpiJob job)
    {
        var spec = job.Spec;
        if (spec.MpiImplementation is not ("OpenMPI" or "Intel" or "MPICH") || spec.LauncherCreationPolicy is not (null or "AtStartup" or "WaitForWorkersReady")
            || spec.RunPolicy.CleanPodPolicy is not ("None" or "Running" or "All") || spec.SlotsPerWorker is null or < 1)
        {
            yield return $"{spec.MpiImplementation}, {spec.LauncherCreationPolicy}, {spec.RunPolicy.CleanPodPolicy}, {spec.SlotsPerWorker} slots";
        }

        if (spec.MpiReplicaSpecs is not { Count: 2 } replicas
            || !replicas.TryGetValue("Launcher", out var launcher) || !replicas.TryGetValue("Worker", out var workers)
            || launcher.Replicas != 1 || workers.Replicas is null or < 1)
        {
            yield return "not one Launcher, and Workers";
        }
    }

    private static IEnumerable<string> OfPod(V1PodSpec pod, string? restart)
    {
        if (restart is not ("Never" or "OnFailure"))
        {
            yield return $"restartPolicy {restart}";
        }

        if (pod.SecurityContext is not { RunAsNonRoot: true, RunAsUser: > 0, SeccompProfile.Type: "RuntimeDefault" }
            || pod.AutomountServiceAccountToken != false)
        {
            yield return "a pod with rights that it does not need";
        }

        string[] volumes = [.. (pod.Volumes ?? []).Select(volume => volume.Name)];
        string[] mounted = [.. pod.Containers.SelectMany(container => container.VolumeMounts ?? []).Select(mount => mount.Name)];
        foreach (var name in volumes.Except(mounted).Concat(mounted.Except(volumes)))
        {
            yield return $"volume {name} is not both there and mounted";
        }

        foreach (var volume in (pod.Volumes ?? []).Where(volume => volume.EmptyDir is { Medium: not (null or "" or "Memory") }))
        {
            yield return $"medium {volume.EmptyDir.Medium}";
        }

        foreach (var container in pod.Containers)
        {
            if (container.Name is null or "" || container.Image is null or "")
            {
                yield return "a container without a name or an image";
            }

            if (container.SecurityContext is not { AllowPrivilegeEscalation: false } || container.SecurityContext.Capabilities?.Drop is not ["ALL"])
            {
                yield return $"container {container.Name} has rights that it does not need";
            }

            if (container.Resources?.Limits is not { } limits || !limits.ContainsKey("cpu") || !limits.ContainsKey("memory"))
            {
                yield return $"container {container.Name} without limits";
            }
        }
    }
}
