using k8s;
using k8s.Models;

namespace Xkd.Cli.Tests.Kubernetes;

/// <summary>
/// An MPIJob as the custom resource of the MPI operator describes it (manifests/base/kubeflow.org_mpijobs.yaml, v2beta1 of 0.8): no package has it. Pods are
/// those of Kubernetes.
/// </summary>
internal sealed class MpiJob : IKubernetesObject
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public JobSpec Spec { get; set; } = new();

    public sealed class JobSpec
    {
        public int? SlotsPerWorker { get; set; }

        public bool? RunLauncherAsWorker { get; set; }

        public Policy RunPolicy { get; set; } = new();

        public Dictionary<string, ReplicaSpec> MpiReplicaSpecs { get; set; } = [];

        public string? SshAuthMountPath { get; set; }

        public string? LauncherCreationPolicy { get; set; }

        public string? MpiImplementation { get; set; }
    }

    public sealed class Policy
    {
        public string? CleanPodPolicy { get; set; }

        public int? TtlSecondsAfterFinished { get; set; }

        public long? ActiveDeadlineSeconds { get; set; }

        public int? BackoffLimit { get; set; }

        public Scheduling? SchedulingPolicy { get; set; }

        public bool? Suspend { get; set; }

        public string? ManagedBy { get; set; }
    }

    public sealed class Scheduling
    {
        public int? MinAvailable { get; set; }

        public string? Queue { get; set; }

        public Dictionary<string, ResourceQuantity>? MinResources { get; set; }

        public string? PriorityClass { get; set; }

        public int? ScheduleTimeoutSeconds { get; set; }
    }

    public sealed class ReplicaSpec
    {
        public int? Replicas { get; set; }

        public V1PodTemplateSpec Template { get; set; } = new();

        public string? RestartPolicy { get; set; }
    }
}
