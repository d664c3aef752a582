using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class SchedulerPartitionTests
{
    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0", 1, 4)]
    [InlineData("SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1", 4, 4)]
    [InlineData("SLURM_ARRAY_TASK_ID=6 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=2", 4, 4)]
    [InlineData("SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=8", 3, 8)]
    [InlineData("SLURM_PROCID=1 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=2", 2, 2)]
    [InlineData("OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 SLURM_PROCID=0 SLURM_NTASKS=1", 4, 4)]
    [InlineData("PMI_RANK=0 PMI_SIZE=2", 1, 2)]
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4", 10, 12)]
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=0 SLURM_PROCID=0 SLURM_NTASKS=4", 3, 3)]
    public void Read_SchedulersNumbers_GivesPartAndWhole(string variables, int part, int of) => Assert.Equal((part, of), SchedulerPartition.Read(Environment(variables)));

    [Fact]
    public void Read_EveryTaskOfAnArrayOfSteps_GivesEachPartOnce()
    {
        var parts = from task in Enumerable.Range(1, 3)
                    from rank in Enumerable.Range(0, 5)
                    select SchedulerPartition.Read(Environment($"SLURM_ARRAY_TASK_ID={task} SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_PROCID={rank} SLURM_STEP_NUM_TASKS=5"));
        Assert.Equal(Enumerable.Range(1, 15).Select(static i => (i, 15)), parts.Order());
    }

    [Fact]
    public void Read_OneTaskAloneOfAKnownWhole_KeepsItsPart() =>
        Assert.Equal((4, 64), SchedulerPartition.Read(Environment("SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=3"), parts: 64));

    [Theory]
    [InlineData("JOB_COMPLETION_INDEX=0", 1, 16)]
    [InlineData("JOB_COMPLETION_INDEX=15", 16, 16)]
    [InlineData("JOB_COMPLETION_INDEX=3 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4", 14, 16)]
    [InlineData("JOB_COMPLETION_INDEX=3 SLURM_ARRAY_TASK_ID=7", 8, 16)] // an array on nodes that are pods themselves
    public void Read_PodOfAnIndexedJob_IsAPartOfTheStatedWhole(string variables, int part, int of) =>
        Assert.Equal((part, of), SchedulerPartition.Read(Environment(variables), parts: of));

    [Theory]
    [InlineData("", "SLURM_ARRAY_TASK_ID")]
    [InlineData("", "JOB_COMPLETION_INDEX")]
    [InlineData("JOB_COMPLETION_INDEX=3", "auto/N with N the Job's completions")]
    [InlineData("JOB_COMPLETION_INDEX=x", "JOB_COMPLETION_INDEX is \"x\"")]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=4", "SLURM_STEP_NUM_TASKS")]
    [InlineData("SLURM_PROCID=8 SLURM_STEP_NUM_TASKS=8", "SLURM_PROCID=8 with SLURM_STEP_NUM_TASKS=8")]
    [InlineData("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=2 OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE= with OMPI_COMM_WORLD_RANK=1")]
    [InlineData("PMI_RANK=one PMI_SIZE=2", "PMI_RANK=one")]
    [InlineData("SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_ID 9")]
    public void Read_NothingOrNonsense_NamesTheVariable(string variables, string named) =>
        Assert.Contains(named, Assert.Throws<UsageException>(() => SchedulerPartition.Read(Environment(variables))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=4")]
    [InlineData("JOB_COMPLETION_INDEX=4")]
    public void Read_NumberBeyondTheStatedWhole_IsRefused(string variables) =>
        Assert.Contains("auto/4", Assert.Throws<UsageException>(() => SchedulerPartition.Read(Environment(variables), parts: 4)).Message, StringComparison.Ordinal);

    private static Func<string, string?> Environment(string variables)
    {
        var set = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static v => v.Split('=')).ToDictionary(static v => v[0], static v => v[1], StringComparer.Ordinal);
        return name => set.GetValueOrDefault(name);
    }
}
