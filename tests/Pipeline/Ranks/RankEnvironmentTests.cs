using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class RankEnvironmentTests
{
    [Theory]
    [InlineData("", 0, 1, 0, 1, RankLauncher.None)]
    [InlineData("OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=8 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2", 3, 8, 1, 2, RankLauncher.OpenMpi)]
    [InlineData("PMI_RANK=1 PMI_SIZE=4 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=4", 1, 4, 1, 4, RankLauncher.Pmi)]
    [InlineData("PMI_RANK=1 PMI_SIZE=4", 1, 4, 0, 1, RankLauncher.Pmi)]
    [InlineData("SLURM_PROCID=5 SLURM_STEP_NUM_TASKS=8 SLURM_LOCALID=1 SLURM_STEP_TASKS_PER_NODE=4(x2)", 5, 8, 1, 4, RankLauncher.Slurm)]
    [InlineData("SLURM_PROCID=5 SLURM_STEP_NUM_TASKS=8 SLURM_LOCALID=1 SLURM_STEP_TASKS_PER_NODE=5,3 PMIX_RANK=5", 5, 8, 1, 5, RankLauncher.Pmix)]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=8", 0, 1, 0, 1, RankLauncher.None)] // a batch script: it runs once
    [InlineData("SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=8", 3, 8, 0, 1, RankLauncher.OpenMpi)] // mpirun within a step
    public void Detect_LaunchersVariables_GivesRankSizeAndPlace(string variables, int rank, int size, int localRank, int localSize, RankLauncher launcher) =>
        Assert.Equal(new RankEnvironment(rank, size, localRank, localSize, launcher), RankEnvironment.Detect(Variables(variables)));

    [Theory]
    [InlineData("PMI_RANK=4 PMI_SIZE=4", "PMI_RANK=4 with PMI_SIZE=4")]
    [InlineData("OMPI_COMM_WORLD_RANK=one OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_RANK=one")]
    public void Detect_VariablesMakeNoSense_NamesThem(string variables, string named) =>
        Assert.Contains(named, Assert.Throws<UsageException>(() => RankEnvironment.Detect(Variables(variables))).Message);

    private static Func<string, string?> Variables(string text)
    {
        var values = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1], StringComparer.Ordinal);
        return values.GetValueOrDefault;
    }
}
