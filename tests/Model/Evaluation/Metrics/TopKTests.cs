using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class TopKTests
{
    [Theory]
    [InlineData(1, 50)]
    [InlineData(2, 75)]
    [InlineData(3, 100)]
    [InlineData(9, 100)]
    public void Accuracy_Depth_CountsLabelsAmongTheBest(int k, double expected)
    {
        double[] scores = [3, 2, 1, 3, 2, 1, 3, 2, 1, 3, 2, 1];

        Assert.Equal(expected, TopK.Accuracy(scores, 3, [0, 0, 1, 2], k));
    }

    [Fact]
    public void Accuracy_EqualScores_CountsOneClassOnly()
    {
        Assert.Equal(100.0 / 3, TopK.Accuracy([1, 1, 1, 1, 1, 1, 1, 1, 1], 3, [0, 1, 2], 1), 1e-12);
    }

    [Fact]
    public void Accuracy_NotANumber_IsWrong() => Assert.Equal(0, TopK.Accuracy([double.NaN, double.NaN], 2, [0], 1));

    [Fact]
    public void Accuracy_NoRows_IsAnError() => Assert.Throws<UsageException>(() => TopK.Accuracy([], 3, [], 1));
}
