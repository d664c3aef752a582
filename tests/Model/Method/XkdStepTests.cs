using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Method;

[Collection(nameof(AloneCollection))]
public sealed class XkdStepTests
{
    private readonly PretrainConfig _config = TinyModel.Config();

    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mas)]
    [InlineData(XkdVariant.Mats)]
    public void ImportState_AfterTwoSteps_ContinuesBitForBit(XkdVariant variant)
    {
        var config = TinyModel.Config(variant);
        using var scope = TinyModel.Scope();
        using var first = new XkdStep(new XkdModel(config, seed: 1));
        Run(first, 0, 2);
        var saved = first.ExportState().ToDictionary(e => e.Name, e => e.Value.clone(), StringComparer.Ordinal);
        Run(first, 2, 2);

        using var second = new XkdStep(new XkdModel(config, seed: 9));
        second.ImportState(saved.ToDictionary(e => e.Key, e => e.Value.shape), (name, value) => value.copy_(saved[name]));
        Run(second, 2, 2);

        Assert.All(first.ExportState().Zip(second.ExportState()), pair => Assert.Equal(Bytes(pair.First.Value), Bytes(pair.Second.Value)));
    }

    [Fact]
    public void ImportState_TensorMissing_NamesIt()
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_config));
        var state = step.ExportState().ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal);
        state.Remove("adamw/steps");

        Assert.Contains("adamw/steps", Assert.Throws<FailureException>(() => step.ImportState(state.ToDictionary(e => e.Key, e => e.Value.shape), (_, _) => { })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ManySteps_LeavesNoTensorBehind()
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_config));
        var input = TinyModel.Input(_config, 3);
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
        var config = _config.With(o => o with { Align = 0, Cmkd = 0, ReconAudio = 0 });
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(config));
        var whole = TinyModel.Input(config, 3);
        using var losses = step.Run(whole with { Video = [whole.Video[0]], Audio = [whole.Audio[0]] }, TinyModel.Schedule());

        var values = losses.Read();
        Assert.Equal(["recon_video", "loss", "grad_norm", "clipped"], values.Keys);
        Assert.True(values["recon_video"] > 0);
        Assert.Equal(values["recon_video"], values["loss"], Rounding.OfASum(2, values["loss"])); // times 5, over 5
    }

    [Theory]
    [InlineData(Precision.Auto, ScalarType.Float32)]
    [InlineData(Precision.Float32, ScalarType.Float32)]
    [InlineData(Precision.Bfloat16, ScalarType.BFloat16)]
    public void ProductType_OfAStepOnTheCpu_IsWhatItMultipliesIn(Precision precision, ScalarType expected)
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_config.In(precision)));

        Assert.Equal(expected, step.ProductType);
        Assert.True(MatmulPeak.Measure(CPU, step.ProductType, TimeProvider.System) > 0);
    }

    [Fact]
    public void Run_NoWeightOnReconstruction_LossIsTheOtherTerms()
    {
        var config = _config.With(o => o with { Recon = 0, ReconVideo = 0, ReconAudio = 0 });
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(config));
        using var losses = step.Run(TinyModel.Input(config, 3), TinyModel.Schedule());

        var values = losses.Read();
        Assert.Null(losses.FirstNonFinite(values.Values));
        Assert.True(values["kd_v2a"] > 0 && values["loss"] > 0);
        Assert.DoesNotContain("recon_video", values.Keys);
    }

    [Theory]
    [InlineData(AttentionRefinement.Mean)]
    [InlineData(AttentionRefinement.Softmax)]
    public void Run_RefinedWithoutClassToken_TakesTheAttentionOfAllQueries(AttentionRefinement refinement)
    {
        var config = _config.With(o => o with { Refinement = refinement }) with { Model = _config.Model with { ClassToken = false } };
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(config, seed: 1));
        using var plain = new XkdStep(new XkdModel(config.With(o => o with { Refinement = AttentionRefinement.None }), seed: 1));
        var backbone = step.Model.VideoTeacher.Backbone;
        var input = TinyModel.Input(config, 3);

        var (_, all) = backbone.ForwardWithAttention(input.Video[0]); // [B, heads, N, N]
        var (_, attention) = backbone.ForwardWithClassAttention(input.Video[0]); // [B, heads, N]
        Assert.Equal(all.mean([-2L]).data<float>().ToArray(), attention.data<float>().ToArray());

        using StepScalars refined = step.Run(input, TinyModel.Schedule()), unrefined = plain.Run(input, TinyModel.Schedule());
        Assert.Null(refined.FirstNonFinite(refined.Read().Values));
        Assert.NotEqual(unrefined.Read()["kd_v2a"], refined.Read()["kd_v2a"]);
    }

    [Fact]
    public void Run_InfiniteInput_NamesTheFirstTermThatIsNotFinite()
    {
        using var scope = TinyModel.Scope();
        using var step = new XkdStep(new XkdModel(_config));
        var input = TinyModel.Input(_config, 3);
        input.Audio[0].Fill(float.PositiveInfinity);
        using var losses = step.Run(input, TinyModel.Schedule());

        Assert.Equal("recon_audio", losses.FirstNonFinite(losses.Read().Values));
    }

    [Fact]
    public void Construct_SameSeed_SameValues()
    {
        using var scope = TinyModel.Scope();
        byte[] Values(ulong seed) => [.. StateNames.StateDict(new XkdModel(_config, seed)).SelectMany(e => Bytes(e.Value))];

        Assert.Equal(Values(5), Values(5));
        Assert.NotEqual(Values(5), Values(6));
    }

    private void Run(XkdStep step, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            step.Run(TinyModel.Input(step.Model.Config, (ulong)i), TinyModel.Schedule()).Dispose();
        }
    }

    private static byte[] Bytes(Tensor tensor) => tensor.detach().contiguous().bytes.ToArray();
}
