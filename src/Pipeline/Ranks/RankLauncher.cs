namespace Xkd.Pipeline;

/// <summary>Who started this process as one of several.</summary>
public enum RankLauncher
{
    /// <summary>Nobody: it is alone.</summary>
    None,

    /// <summary>Open MPI's mpirun.</summary>
    OpenMpi,

    /// <summary>A PMI launcher: MPICH's mpirun (Hydra), Intel MPI, or srun --mpi=pmi2.</summary>
    Pmi,

    /// <summary>SLURM's srun --mpi=pmix.</summary>
    Pmix,

    /// <summary>SLURM's srun without MPI: enough to divide work, not to exchange anything.</summary>
    Slurm,
}
