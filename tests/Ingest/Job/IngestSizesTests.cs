namespace Xkd.Ingest.Tests;

/// <summary>What a run takes follows from the machine, and is right on large ones, too.</summary>
public sealed class IngestSizesTests
{
    public static TheoryData<int> Cores { get; } = [2, 4, 16, 64, 128];

    [Theory]
    [MemberData(nameof(Cores))]
    public void Of_DefaultOptions_KeepsAnOrdinaryClipInMemory(int cores)
    {
        var sizes = IngestSizes.Of(Options, cores);

        Assert.Equal(cores, sizes.Workers);
        Assert.InRange(sizes.ResidentBytes, Frames(340, 256), long.MaxValue);
        Assert.InRange(sizes.ResidentBytes, Frames(1920, 1080), long.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Cores))]
    public void Of_FramesForEvaluation_KeepsAnOrdinaryClipInMemory(int cores)
    {
        var sizes = IngestSizes.Of(Options with { ShortSide = 224 }, cores);

        Assert.InRange(sizes.ResidentBytes, Frames(1920, 1080, 224), long.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Cores))]
    public void Of_AnyMachine_LeavesHalfOfTheBudgetToWhatWaits(int cores)
    {
        var sizes = IngestSizes.Of(Options, cores);

        Assert.InRange(sizes.Workers * 2 * sizes.ResidentBytes, 0, sizes.MemoryBudget / 2);
        Assert.InRange(sizes.Queue, sizes.Workers, int.MaxValue);
    }

    [Theory]
    [InlineData(2, 1L << 30)]
    [InlineData(16, 1L << 30)]
    [InlineData(128, 4L << 30)] // a gigabyte for every 32 cores
    public void Of_DefaultBudget_StaysSmall(int cores, long most) => Assert.InRange(IngestSizes.Of(Options, cores).MemoryBudget, 1L << 30, most);

    [Theory]
    [InlineData("raw", 64, 4)]
    [InlineData("raw", 2, 1)]
    [InlineData("jpeg", 64, 64)]
    public void Of_Frames_SayHowManyPrepareThem(string frames, int cores, int preparing) =>
        Assert.Equal(preparing, IngestSizes.Of(Options with { Frames = frames }, cores).Preparing);

    [Fact]
    public void Of_GivenWorkersAndBudget_KeepsThem()
    {
        var sizes = IngestSizes.Of(Options with { Workers = 3, MemoryBudget = 48 << 20 }, cores: 64);

        Assert.Equal((3, 48L << 20, 4L << 20), (sizes.Workers, sizes.MemoryBudget, sizes.ResidentBytes));
    }

    private static IngestOptions Options => new() { Root = "media", Out = "cache" };

    // Ten seconds, and the frame that is on screen at their end.
    private static long Frames(int width, int height, int side = 112) => 81L * side * (width * side / height) * 3;
}
