using System.Globalization;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Which of how many processes this one is, as whoever started it says in the environment. MPI itself is not asked: work that only needs dividing,
/// such as ingest, needs no MPI library.
/// </summary>
/// <param name="Rank">0 … <paramref name="Size"/> − 1.</param>
/// <param name="Size">Processes in all.</param>
/// <param name="LocalRank">Number among the processes of this machine, from 0.</param>
/// <param name="LocalSize">Processes of this machine; 1 where the launcher does not tell.</param>
/// <param name="Launcher">Who started it.</param>
public sealed record RankEnvironment(int Rank, int Size, int LocalRank, int LocalSize, RankLauncher Launcher)
{
    // sbatch sets SLURM_PROCID and SLURM_NTASKS for the batch script too, which runs once: only srun sets the number of tasks of a step.
    private static readonly Source[] Sources =
    [
        new(RankLauncher.OpenMpi, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
        new(RankLauncher.Pmi, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
        new(RankLauncher.Slurm, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"),
    ];

    /// <summary>One process by itself.</summary>
    public static RankEnvironment Alone { get; } = new(0, 1, 0, 1, RankLauncher.None);

    /// <summary>Reads the environment.</summary>
    /// <param name="variable">Value of an environment variable by name; null reads this process's.</param>
    /// <exception cref="UsageException">A launcher's variables contradict each other.</exception>
    public static RankEnvironment Detect(Func<string, string?>? variable = null)
    {
        variable ??= Environment.GetEnvironmentVariable;
        var source = Array.Find(Sources, s => variable(s.Rank) is { Length: > 0 } && (variable(s.Size) is { Length: > 0 } || s.Launcher != RankLauncher.Slurm));
        if (source is null)
        {
            return Alone;
        }

        int size = Number(source.Size), rank = Number(source.Rank);
        if (size < 1 || rank >= size)
        {
            throw new UsageException($"{source.Rank}={rank} with {source.Size}={size}: a rank lies in 0 … size - 1; unset both to run alone");
        }

        // SLURM has no variable of its own for the PMI flavour; each flavour leaves its rank.
        var launcher = source.Launcher == RankLauncher.Slurm && variable("PMIX_RANK") is { Length: > 0 } ? RankLauncher.Pmix : source.Launcher;
        var localSize = OptionalNumber(source.LocalSize) ?? 1;
        return new RankEnvironment(rank, size, OptionalNumber(source.LocalRank) ?? 0, Math.Clamp(localSize, 1, size), launcher);

        int Number(string name) => OptionalNumber(name) ?? throw new UsageException($"{name}={variable(name)} with {source.Rank}={variable(source.Rank)}: write a whole number, or unset both to run alone");

        // SLURM writes tasks per node as 4(x2) or 4,3: of one node's number this is the most.
        int? OptionalNumber(string name) => variable(name) is { Length: > 0 } text
            && int.TryParse(text.Split('(', ',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    private sealed record Source(RankLauncher Launcher, string Rank, string Size, string LocalRank, string LocalSize);
}
