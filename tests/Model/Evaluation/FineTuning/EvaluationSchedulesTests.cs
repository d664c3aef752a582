using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class EvaluationSchedulesTests
{
    [Fact]
    public void WarmupCosine_BaseValue_StandsTwiceAndTheFinalValueIsNotReached()
    {
        var values = EvaluationSchedules.WarmupCosine(6, 4, 2, 0.1, 1, 0.01);

        Assert.Equal(24, values.Length);
        Assert.Equal([0.1, 1, 1], [values[0], values[7], values[8]]);
        Assert.True(values[^1] > 0.01);
        Assert.Equal(values[8..].OrderDescending(), values[8..]);
    }

    [Fact]
    public void WarmupMultiStep_MilestoneInsideTheWarmup_IsIgnored()
    {
        var values = EvaluationSchedules.WarmupMultiStep(6, 2, 2, 0, 1, [1, 4], 0.1);

        Assert.All(values[4..8], v => Assert.Equal(1, v));
        Assert.All(values[8..], v => Assert.Equal(0.1, v));
    }

    [Fact]
    public void Fixed_EveryStep_IsTheBaseValue() => Assert.Equal([0.5, 0.5, 0.5, 0.5], EvaluationSchedules.Fixed(2, 2, 0.5));

    [Fact]
    public void Warmup_LongerThanTheRun_IsAnError() => Assert.Throws<UsageException>(() => EvaluationSchedules.WarmupFixed(2, 2, 3, 0, 1));
}
