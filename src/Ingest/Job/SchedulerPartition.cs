using System.Globalization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>
/// This process's part of the items as its scheduler numbered it (<c>--partition auto</c>): the task of a SLURM array, the pod of an Indexed Job of
/// Kubernetes, the rank of an MPI or srun step, or both, an array of steps.
/// </summary>
public static class SchedulerPartition
{
    private const string Pod = "JOB_COMPLETION_INDEX";

    /// <summary>Part, counted from 1, and how many there are.</summary>
    /// <param name="variable">Reads an environment variable; null where it is not set.</param>
    /// <param name="parts">
    /// How many parts the whole has, so that a part can be run again by itself (<c>--array=3</c>): the scheduler's numbers, from 0, are then parts of
    /// this whole. Null takes the scheduler's count; Kubernetes tells a pod of none.
    /// </param>
    /// <exception cref="UsageException">No scheduler is to be seen, or its numbers contradict each other.</exception>
    public static (int Part, int Of) Read(Func<string, string?> variable, int? parts = null)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var task = ArrayTask(variable, absolute: parts is not null);
        var ranks = RankEnvironment.Detect(variable);
        if (task is null && ranks.Launcher == RankLauncher.None)
        {
            throw new UsageException(
                "--partition auto: no SLURM array (SLURM_ARRAY_TASK_ID), no Indexed Job of Kubernetes (JOB_COMPLETION_INDEX), and no srun step or mpirun with "
                + "its rank and size (SLURM_PROCID and SLURM_STEP_NUM_TASKS, OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and PMI_SIZE); start it by sbatch "
                + "--array, srun, mpirun or an Indexed Job, or write --partition i/n");
        }

        var (outer, tasks) = task ?? (0, 1);
        var index = (outer * ranks.Size) + ranks.Rank;
        var of = parts ?? tasks * ranks.Size;
        return index < of
            ? (index + 1, of)
            : throw new UsageException(
                $"--partition auto/{of}: the scheduler's number is {index}, counted from 0, which is no part of {of}; number the tasks 0 to {of - 1}");
    }

    private static (int Index, int Count)? ArrayTask(Func<string, string?> variable, bool absolute)
    {
        if (Number(variable, "SLURM_ARRAY_TASK_ID") is not { } id)
        {
            return PodOfJob(variable, absolute);
        }

        if (absolute)
        {
            return (id, 1);
        }

        var min = Number(variable, "SLURM_ARRAY_TASK_MIN") ?? 0;
        var step = Math.Max(1, Number(variable, "SLURM_ARRAY_TASK_STEP") ?? 1);
        var count = Number(variable, "SLURM_ARRAY_TASK_COUNT") ?? throw Missing("SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_ID", id);
        return (id - min) % step == 0 && id >= min && (id - min) / step < count
            ? ((id - min) / step, count)
            : throw new UsageException(
                $"--partition auto: SLURM_ARRAY_TASK_ID {id} is none of {count} numbers from {min} in steps of {step}; number the array without gaps "
                + $"(--array=0-{count - 1}), or write --partition auto/N with N the parts of the whole");
    }

    // A pod knows its number, and not the Job's completions.
    private static (int Index, int Count)? PodOfJob(Func<string, string?> variable, bool absolute) => Number(variable, Pod) switch
    {
        null => null,
        { } pod when absolute => (pod, 1),
        { } pod => throw new UsageException(
            $"--partition auto: {Pod} is {pod}, and a pod is not told of how many; write --partition auto/N with N the Job's completions"),
    };

    private static int? Number(Func<string, string?> variable, string name) => variable(name) switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        var text => throw new UsageException($"--partition auto: {name} is \"{text}\", which is no number; write --partition i/n"),
    };

    private static UsageException Missing(string absent, string present, int value) =>
        new($"--partition auto: {present} is {value} but {absent} is not set; write --partition i/n");
}
