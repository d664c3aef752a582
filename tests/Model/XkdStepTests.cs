using Xkd.Model.Native;
using Xkd.Model.Networks;
using Xkd.Model.Objectives;
using Xkd.Model.Training;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests;

[Collection(nameof(AloneCollection))]
public sealed class XkdStepTests
{
    private readonly XkdOptions _options = TinyModel.Options();

    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mas)]
    [InlineData(XkdVariant.Mats)]
    public void ImportState_AfterTwoSteps_ContinuesBitForBit(XkdVariant variant)
    {
        var options = TinyModel.Options(variant);
        using var scope = TinyModel.Scope();
        using var first = new XkdStep(new XkdModel(options, seed: 1));
        Run(first, 0, 2);
        var saved = first.ExportState().ToDictionary(e => e.Name, e => e.Value.clone(), StringComparer.Ordinal);
        Run(first, 2, 2);

        using var second = new XkdStep(new XkdModel(options, seed: 9));
        second.ImportState(saved);
        Run(second, 2, 2);

        Assert.All(first.ExportState().Zip(second.ExportState()), pair => Assert.Equal(Bytes(pair.First.Value), Bytes(pair.Second.Value)));
    }

    [Fact]
    public void ImportState_TensorMissing_NamesIt()
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_options));
        var state = step.ExportState().ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal);
        state.Remove("adamw/steps");

        Assert.Contains("adamw/steps", Assert.Throws<FailureException>(() => step.ImportState(state)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ManySteps_LeavesNoTensorBehind()
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_options));
        var input = TinyModel.Input(_options, 3);
        step.Run(input, TinyModel.Schedule()).Dispose();
        AloneCollection.Settle();
        var before = LiveTensors.Count;
        for (var i = 0; i < 5; i++)
        {
            step.Run(input, TinyModel.Schedule()).Dispose();
        }

        Assert.Equal(before, LiveTensors.Count);
    }

    [Fact]
    public void Run_ReconstructionOnly_LeavesCrossModalTermsOut()
    {
        var options = _options with { AlignWeight = 0, DistillationWeight = 0, AudioReconstructionWeight = 0 };
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(options));
        var whole = TinyModel.Input(options, 3);
        using var losses = step.Run(whole with { Video = [whole.Video[0]], Audio = [whole.Audio[0]] }, TinyModel.Schedule());

        var values = losses.Read();
        Assert.True(values.ReconVideo > 0);
        Assert.Equal((0, 0, 0, 0), (values.ReconAudio, values.KdV2A, values.KdA2V, values.AlignStudent));
        Assert.Equal(values.ReconVideo, values.Loss, Rounding.OfASum(4, values.Loss)); // times 1, over 1, times 5, over 5
    }

    [Theory]
    [InlineData(Precision.Auto, ScalarType.Float32)]
    [InlineData(Precision.Float32, ScalarType.Float32)]
    [InlineData(Precision.Bfloat16, ScalarType.BFloat16)]
    public void ProductType_OfAStepOnTheCpu_IsWhatItMultipliesIn(Precision precision, ScalarType expected)
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_options), new XkdStepOptions { Precision = precision });

        Assert.Equal(expected, step.ProductType);
        Assert.True(MatmulPeak.Measure(CPU, step.ProductType, TimeProvider.System) > 0);
    }

    [Fact]
    public void Run_NoWeightOnReconstruction_LossIsTheOtherTerms()
    {
        var options = _options with { ReconstructionWeight = 0, VideoReconstructionWeight = 0, AudioReconstructionWeight = 0 };
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(options));
        using var losses = step.Run(TinyModel.Input(options, 3), TinyModel.Schedule());

        var values = losses.Read();
        Assert.Null(values.FirstNonFinite);
        Assert.True(values.KdV2A > 0 && values.Loss > 0);
    }

    [Theory]
    [InlineData(AttentionRefinement.Mean)]
    [InlineData(AttentionRefinement.Softmax)]
    public void Run_RefinedWithoutClassToken_TakesTheAttentionOfAllQueries(AttentionRefinement refinement)
    {
        var options = _options with { ClassToken = false, Refinement = refinement };
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(options, seed: 1));
        using var plain = new XkdStep(new XkdModel(options with { Refinement = AttentionRefinement.None }, seed: 1));
        var backbone = step.Model.VideoTeacher.Backbone;
        var input = TinyModel.Input(options, 3);

        var (_, all) = backbone.ForwardWithAttention(input.Video[0]); // [B, heads, N, N]
        var (_, attention) = backbone.ForwardWithClassAttention(input.Video[0]); // [B, heads, N]
        Assert.Equal(all.mean([-2L]).data<float>().ToArray(), attention.data<float>().ToArray());

        using XkdLosses refined = step.Run(input, TinyModel.Schedule()), unrefined = plain.Run(input, TinyModel.Schedule());
        Assert.Null(refined.Read().FirstNonFinite);
        Assert.NotEqual(unrefined.Read().KdV2A, refined.Read().KdV2A);
    }

    [Fact]
    public void Run_InfiniteInput_NamesTheFirstTermThatIsNotFinite()
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_options));
        var input = TinyModel.Input(_options, 3);
        input.Audio[0].Fill(float.PositiveInfinity);
        using var losses = step.Run(input, TinyModel.Schedule());

        Assert.Equal("recon_audio", losses.Read().FirstNonFinite);
    }

    [Fact]
    public void Construct_SameSeed_SameValues()
    {
        using var scope = TinyModel.Scope();
        byte[] Values(ulong seed) => [.. StateNames.StateDict(new XkdModel(_options, seed)).SelectMany(e => Bytes(e.Value))];

        Assert.Equal(Values(5), Values(5));
        Assert.NotEqual(Values(5), Values(6));
    }

    private void Run(XkdStep step, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            step.Run(TinyModel.Input(step.Model.Options, (ulong)i), TinyModel.Schedule()).Dispose();
        }
    }

    private static byte[] Bytes(Tensor tensor) => tensor.detach().contiguous().bytes.ToArray();
}
