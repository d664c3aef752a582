using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Training;

/// <summary>What one run leaves behind, the next one of the same process pays for: an ablation trains row after row.</summary>
[Collection(nameof(AloneCollection))]
public sealed class RepeatedRunsTests : IDisposable
{
    private readonly SmallRun _small = new();

    public RepeatedRunsTests() => LibTorch.Load();

    public void Dispose() => _small.Dispose();

    [Fact]
    public async Task TrainThenProbe_SeveralRunsInOneProcess_LiveTensorsStayTheSame()
    {
        await _small.AddClipsAsync(0, 6);
        List<long> live = [];
        for (var row = 0; row < 4; row++)
        {
            await _small.TrainAsync(SmallRun.Config(), $"run-{row}", steps: 2);
            using (var model = FrozenEncoder.OpenRun(_small.Run($"run-{row}"), CPU, static _ => { }))
            {
                using var encoder = EvaluationEncoder.Of(model, WeightModality.Video, WeightBranch.Teacher);
                using var scope = NewDisposeScope();
                encoder.Features(randn([1, 3, 8, 16, 16]));
            }

            live.Add(Count());
        }

        Assert.All(live, count => Assert.Equal(live[0], count));
    }

    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mats)]
    public void Dispose_ModelAndStep_LeaveNoTensor(XkdVariant variant)
    {
        using var scope = TinyModel.Scope();
        var input = TinyModel.Input(TinyModel.Config(variant), 1);
        var before = Count();
        using (var model = new XkdModel(TinyModel.Config(variant)))
        {
            using var step = new XkdStep(model);
            step.Run(input, TinyModel.Schedule()).Dispose();
        }

        Assert.Equal(before, Count());
    }

    private static long Count()
    {
        AloneCollection.Settle();
        return LiveTensors.Count;
    }
}
