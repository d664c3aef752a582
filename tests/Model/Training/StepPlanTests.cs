using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;

namespace Xkd.Model.Tests.Training;

/// <summary>The prediction of a step: its parts are those of the cost, and what it says of batches and memory holds together.</summary>
[Collection(nameof(AloneCollection))]
public sealed class StepPlanTests
{
    [Fact]
    public void Of_TheRecipeOnAnH200_HasThePartsOfTheCostAndTheUpdateOnce()
    {
        PretrainConfig config = new();
        var cost = ModelCost.Of(config);
        StepPlan[] plans = [.. new[] { 32, 64, 128, 256 }.Select(batch => StepPlan.Of(config, DeviceRates.H200, batch))];
        Assert.All(plans, plan =>
        {
            Assert.Equal([.. cost.Passes.Select(pass => pass.Name), "objectives", "update"], plan.Rows.Select(row => row.Name));
            Assert.Equal(cost.FlopPerSample, plan.Flop / plan.Batch, 1e-6 * cost.FlopPerSample);
            Assert.Equal(plan.Rows.Sum(row => row.Time.Sum), plan.Seconds, 1e-9);
            Assert.Equal(plan.Seconds, plan.Phases.Forward + plan.Phases.Backward + plan.Phases.Update, 1e-9);
            Assert.True(plan.Seconds * plan.Products > plan.Flop, "no device does more than its peak");
        });
        Assert.Equal(plans.OrderBy(plan => plan.Mfu), plans); // the update and small products weigh less, the larger the batch
        Assert.Single(plans.Select(plan => plan.Rows[^1].Time).Distinct());
        Assert.Equal(2, (plans[3].Memory - plans[3].Rows[^1].Memory) / (plans[2].Memory - plans[2].Rows[^1].Memory), 1e-9);
    }

    /// <summary>Our kernels move half the bytes of libtorch's operations, and change nothing else.</summary>
    [Fact]
    public void Of_TheRecipeWithKernels_SavesPassesOverMemoryAlone()
    {
        PretrainConfig config = new();
        var fused = StepPlan.Of(config, DeviceRates.H200, 256);
        var plain = StepPlan.Of(config with { Train = config.Train with { Kernels = KernelChoice.Plain } }, DeviceRates.H200, 256);
        Assert.All(fused.Rows.Zip(plain.Rows), pair => Assert.Equal((pair.Second.Time.Products, pair.Second.Time.Attention), (pair.First.Time.Products, pair.First.Time.Attention)));
        Assert.InRange(fused.Rows.Sum(static row => row.Time.Pointwise) / plain.Rows.Sum(static row => row.Time.Pointwise), 0.5, 0.6); // (895 + 74 + 31) of (1639 + 136 + 31) bytes
        Assert.InRange(fused.Mfu, 0.48, 0.485);
        var narrow = StepPlan.Of(config with { Train = config.Train with { Kernels = KernelChoice.Narrow } }, DeviceRates.H200, 256);
        Assert.InRange(fused.Seconds - narrow.Seconds, 0.012, 0.014); // 24 of 108 bytes of what is trained, 8 of 40 of what is not
    }

    [Fact]
    public void Of_TinySteps_AreNoShorterThanTheirKernelsTakeToLaunch() =>
        Assert.Equal(DeviceRates.H200.Launches, StepPlan.Of(TinyModel.Config(), DeviceRates.H200, 2).Seconds);

    [Theory]
    [InlineData(141e9)]
    [InlineData(24e9)]
    [InlineData(4e9)]
    public void LargestBatch_AnyMemory_FitsAndTwiceOfItDoesNot(double memory)
    {
        PretrainConfig config = new();
        var rates = DeviceRates.H200 with { Memory = memory };
        var batch = StepPlan.LargestBatch(config, rates);
        Assert.True(batch == 0 || StepPlan.Of(config, rates, batch).Memory <= memory);
        Assert.True(StepPlan.Of(config, rates, Math.Max(1, 2 * batch)).Memory > memory);
        Assert.Equal(memory < 5e9, batch == 0); // 396 M parameters, of which 206 M are trained: 4.85 GB with gradients, moments and the copies in bfloat16
    }

    [Fact]
    public void Measure_TheCpu_TimesEveryPass()
    {
        var config = SelfCheck.Config;
        var plan = StepPlan.Of(config, DeviceRates.Measure(Devices.Parse("cpu"), config, TimeProvider.System), config.Batch);
        Assert.All(plan.Rows.Where(row => row.Name is not ("heads" or "objectives" or "update")), row => Assert.True(row.Time is { Products: > 0, Attention: > 0 }, $"{row}"));
        Assert.True(plan.Mfu is > 0 and < 1, $"MFU {plan.Mfu}");
    }
}
