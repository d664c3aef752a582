using Xkd.Model.Ranks;

namespace Xkd.Model.Tests.Ranks;

public sealed class CoreListTests
{
    [Theory]
    [InlineData("0", new[] { 0 })]
    [InlineData("0-3,8", new[] { 0, 1, 2, 3, 8 })]
    [InlineData("4,6,10-11", new[] { 4, 6, 10, 11 })]
    public void Parse_LinuxLists_GivesTheCores(string list, int[] cores) => Assert.Equal(cores, CoreList.Parse(list).Order());

    [Fact]
    public void OfThisProcess_HasAsManyCoresAsTheRuntimeCountsOrMore() => // containers may be given less time than cores
        Assert.InRange(Environment.ProcessorCount, 1, CoreList.Parse(CoreList.OfThisProcess()).Count);

    [Fact]
    public void OnTheseCores_UnboundRanksOfOneProcess_AreAll() => Assert.All(InProcessRanks.Run(3, ranks => ranks.OnTheseCores), ranks => Assert.Equal(3, ranks));
}
