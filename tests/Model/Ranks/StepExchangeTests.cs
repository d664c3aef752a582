using Xkd.Model.Method;
using Xkd.Model.Ranks;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Ranks;

/// <summary>R ranks with a share of the batch each, beside one process that loops over the same shares, and beside one large batch.</summary>
[Collection(nameof(AloneCollection))]
public sealed class StepExchangeTests
{
    private const int Steps = 3;

    [Theory]
    [InlineData(2, XkdVariant.Xkd)]
    [InlineData(4, XkdVariant.Xkd)]
    [InlineData(2, XkdVariant.Mats)]
    public void Run_SeveralRanks_EqualsOneProcessThatLoopsOverTheirParts(int size, XkdVariant variant)
    {
        var config = TinyModel.Config(variant);
        var one = Alone(config, parts: size, count: size);
        var ranks = Ranks(config, size);
        Assert.All(ranks, rank => Assert.Equal(ranks[0].State, rank.State)); // the same bits on every rank
        AssertSame(one.State, ranks[0].State);
        AssertClose(one.Gradients, ranks[0].Gradients);
        AssertClose(one.Losses, Mean(ranks));
    }

    [Fact]
    public void Run_AlignmentOfAllRanks_EqualsOneLargeBatch()
    {
        var config = TinyModel.Config();
        var large = Alone(config, parts: 1, count: 2);
        var ranks = Ranks(config, 2, gather: true);
        AssertSame(large.State, ranks[0].State);
        AssertClose(large.Gradients, ranks[0].Gradients);
        AssertClose(Terms(large.Losses), Terms(Mean(ranks)));

        // Without it each rank compares its own clips only: the difference would show.
        Assert.True(Distance(large.Losses, Mean(Ranks(config, 2))) > 1e-3);
    }

    [Fact]
    public void Run_InParts_EqualsOneLargeBatchButForAlignment()
    {
        var config = TinyModel.Config().With(o => o with { Align = 0 });
        Outcome large = Alone(config, parts: 1, count: 4), parts = Alone(config, parts: 4, count: 4);
        AssertSame(large.State, parts.State);
        AssertClose(large.Gradients, parts.Gradients);
        AssertClose(Terms(large.Losses), Terms(parts.Losses));
        Assert.True(Distance(Alone(TinyModel.Config(), 1, 4).Losses, Alone(TinyModel.Config(), 4, 4).Losses) > 1e-3);
    }

    [Fact]
    public void Run_GradientsInBfloat16_AreTheSameOnAllRanksAndRounded()
    {
        Outcome[] exact = Ranks(TinyModel.Config(), 2), rounded = Ranks(TinyModel.Config(), 2, Precision.Bfloat16);
        Assert.Equal(rounded[0].State, rounded[1].State);
        var largest = exact[0].Gradients.Max(Math.Abs);
        Assert.InRange(Distance(exact[0].Gradients, rounded[0].Gradients), 1e-6, 0.02 * largest);
    }

    private static Outcome[] Ranks(PretrainConfig config, int size, Precision wire = Precision.Float32, bool gather = false) => InProcessRanks.Run(size, group =>
    {
        using var scope = TinyModel.Scope();
        using XkdStep step = new(new XkdModel(config, seed: 1), new StepExchange(group, wire, gather));
        return Outcome.Of(step, i => [TinyModel.Input(config, Seed(i, group.Rank))]);
    });

    private static Outcome Alone(PretrainConfig config, int parts, int count)
    {
        using var scope = TinyModel.Scope();
        using XkdStep step = new(new XkdModel(config, seed: 1));
        return Outcome.Of(step, i => Join([.. Enumerable.Range(0, count).Select(part => TinyModel.Input(config, Seed(i, part)))]).Split(parts));
    }

    private static ulong Seed(int step, int part) => (ulong)((step * 100) + part);

    private static XkdInput Join(XkdInput[] parts) => new(
        [.. Enumerable.Range(0, 2).Select(view => cat([.. parts.Select(p => p.Video[view])], 0))], [.. Enumerable.Range(0, 2).Select(view => cat([.. parts.Select(p => p.Audio[view])], 0))],
        cat([.. parts.Select(p => p.VideoNoise)], 0), cat([.. parts.Select(p => p.AudioNoise)], 0));

    // All but the spread of the students' logits, which is over the rows that a rank or part has.
    private static Scalar[] Terms(Scalar[] losses) => [.. losses.Where(scalar => !scalar.Name.StartsWith("std_", StringComparison.Ordinal))];

    private static Scalar[] Mean(Outcome[] ranks) => [.. ranks[0].Losses.Index().Select(scalar => scalar.Item with { Value = ranks.Average(r => r.Losses[scalar.Index].Value) })];

    private static double Distance(Scalar[] a, Scalar[] b) => Distance(Values(a), Values(b));

    private static void AssertClose(Scalar[] expected, Scalar[] actual) => AssertClose(Values(expected), Values(actual));

    private static float[] Values(Scalar[] scalars) => [.. scalars.Select(scalar => (float)scalar.Value)];

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();

    private static void AssertClose(float[] expected, float[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs((double)pair.First - pair.Second), 0, Rounding.OfAStep * Math.Max(1, Math.Abs(pair.First))));

    // AdamW makes of a gradient that is nothing but rounding a step of the size of any other: of such values a few may differ, each by as much as two opposite
    // ways of so many steps, of about the learning rate each, can lie apart.
    private static void AssertSame(float[] expected, float[] actual)
    {
        double[] differences = [.. expected.Zip(actual, (e, a) => Math.Abs((double)e - a) / Math.Max(1, Math.Abs(e)))];
        Assert.InRange(differences.Count(d => d > Rounding.OfAStep), 0, expected.Length / 10_000);
        Assert.InRange(differences.Max(), 0, 2 * Steps * TinyModel.Schedule().LearningRate);
    }

    private sealed record Scalar(string Name, double Value);

    private sealed record Outcome(float[] State, float[] Gradients, Scalar[] Losses)
    {
        // All steps' losses; then parameters, teachers, centres and moments; then the gradients that the next step would apply.
        public static Outcome Of(XkdStep step, Func<int, IReadOnlyList<XkdInput>> batch)
        {
            Scalar[] losses = [.. Enumerable.Range(0, Steps).SelectMany(i => Read(step.Run(batch(i), TinyModel.Schedule())))];
            float[] state = [.. step.ExportState().SelectMany(entry => Floats(entry.Value))];
            losses = [.. losses, .. Read(step.Differentiate(batch(Steps), TinyModel.Schedule().Temperatures))];
            float[] gradients = [.. StateNames.Parameters(step.Model).Where(p => p.Value.requires_grad).SelectMany(p => Floats(p.Value.grad!))];
            Assert.Contains(gradients, g => Math.Abs(g) > 1e-4);
            return new Outcome(state, gradients, losses);
        }

        private static Scalar[] Read(StepScalars losses)
        {
            using (losses)
            {
                return [.. losses.Read().Select(scalar => new Scalar(scalar.Key, scalar.Value))];
            }
        }

        private static float[] Floats(Tensor tensor) => [.. tensor.detach().contiguous().data<float>()];
    }
}
