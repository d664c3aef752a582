using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class MultiLabelMetricsTests
{
    public MultiLabelMetricsTests() => LibTorch.Load();

    [Fact]
    public void Of_KnownRanking_GivesTheTextbookValues()
    {
        // Ranked: + − + −: AP = (1/1 + 2/3) / 2, AUC = 3 of 4 pairs.
        var metrics = MultiLabelMetrics.Of([0.9f, 0.8f, 0.7f, 0.1f], [1, 0, 1, 0], 1);

        Assert.Equal(5.0 / 6, metrics.MeanAp, 1e-12);
        Assert.Equal(0.75, metrics.MeanAuc, 1e-12);
        Assert.Equal(0.95387255, metrics.DPrime, 1e-7); // √2 · Φ⁻¹(0.75)
    }

    [Fact]
    public void Of_AllScoresEqual_IsTheBaseRateAndHalf()
    {
        var metrics = MultiLabelMetrics.Of([1, 1, 1, 1], [1, 0, 0, 0], 1);

        Assert.Equal(0.25, metrics.MeanAp, 1e-12);
        Assert.Equal(0.5, metrics.MeanAuc, 1e-12);
        Assert.Equal(0, metrics.DPrime, 1e-9);
    }

    [Fact]
    public void Of_ClassWithoutPositives_IsLeftOutOfTheMeans()
    {
        var metrics = MultiLabelMetrics.Of([0.9f, 0.3f, 0.1f, 0.4f], [1, 0, 0, 0], 2);

        Assert.Equal([1, 0], metrics.AveragePrecisions);
        Assert.Equal(1, metrics.MeanAp);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void Of_ClassPositiveEverywhere_ZeroesMeanAucOnlyAsReleased(bool released, double expected)
    {
        var metrics = MultiLabelMetrics.Of([0.9f, 0.3f, 0.1f, 0.4f], [1, 1, 0, 1], 2, released);

        Assert.Equal(expected, metrics.MeanAuc);
        Assert.Equal(1, metrics.MeanAp);
    }

    [Fact]
    public void Of_UnevenClasses_WeighsByPositives()
    {
        // Class 0: one positive, ranked last of 3 (AP 1/3). Class 1: two positives on top (AP 1).
        var metrics = MultiLabelMetrics.Of([3, 3, 2, 2, 1, 1], [0, 1, 0, 1, 1, 0], 2);

        Assert.Equal(2.0 / 3, metrics.MeanAp, 1e-12);
        Assert.Equal(((1.0 / 3) + 2) / 3, metrics.MeanWeightedAp, 1e-12);
    }

    [Fact]
    public void Of_NothingPositiveOrNotANumber_IsAnError()
    {
        Assert.Throws<UsageException>(() => MultiLabelMetrics.Of([1, 2], [0, 0], 1));
        Assert.Throws<UsageException>(() => MultiLabelMetrics.Of([1, float.NaN], [0, 1], 1));
    }

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.01, -2.3263478740408408)]
    [InlineData(1e-10, -6.361340902404056)]
    public void DPrime_KnownPointsOfTheNormalQuantile_AreExact(double auc, double expected)
    {
        var metrics = new MultiLabelMetrics { MeanAp = 1, MeanWeightedAp = 1, MeanAuc = auc, AveragePrecisions = [1], Aucs = [auc] };
        Assert.Equal(Math.Sqrt(2) * expected, metrics.DPrime, 1e-9);
    }
}
