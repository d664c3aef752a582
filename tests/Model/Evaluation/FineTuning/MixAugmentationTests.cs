using TorchSharp;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class MixAugmentationTests
{
    public MixAugmentationTests()
    {
        LibTorch.Load();
        torch.set_num_threads(1);
    }

    [Fact]
    public void Draw_SameSeedAndStep_SameDraw()
    {
        MixAugmentation mix = new(new MixSection { Mixup = 0.8, Cutmix = 1 });

        Assert.Equal(mix.Draw(1, 5, 224, 224), mix.Draw(1, 5, 224, 224));
        Assert.NotEqual(mix.Draw(1, 5, 224, 224), mix.Draw(1, 6, 224, 224));
    }

    [Fact]
    public void Draw_ManySteps_FollowsTheOptions()
    {
        MixAugmentation mix = new(new MixSection { Mixup = 0.8, Cutmix = 1, Probability = 0.8, Switch = 0.25 });

        MixDraw[] draws = [.. Enumerable.Range(0, 4000).Select(step => mix.Draw(3, step, 96, 96))];

        Assert.Equal(0.2, draws.Count(d => d == MixDraw.None) / 4000.0, 0.03);
        Assert.Equal(0.2, draws.Count(d => d.Box is not null) / 4000.0, 0.03);
        double[] mixup = [.. draws.Where(d => d.Box is null && d != MixDraw.None).Select(d => d.Lambda)];
        Assert.Equal(0.5, mixup.Average(), 0.02);
        Assert.Equal(1 / (4 * ((2 * 0.8) + 1)), mixup.Average(l => (l - 0.5) * (l - 0.5)), 0.01); // variance of Beta(α, α)
    }

    [Fact]
    public void Apply_Clip_CutsEveryFrameInSpaceUnlessReleased()
    {
        using var scope = torch.NewDisposeScope();
        var clips = torch.cat([torch.zeros([1, 1, 4, 6, 6]), torch.ones([1, 1, 4, 6, 6])]);
        MixDraw draw = new() { Lambda = 0.75, Box = new CutBox(2, 5, 1, 4) };

        var correct = new MixAugmentation(new MixSection()).Apply(clips, draw)[0, 0];
        var released = new MixAugmentation(new MixSection { CutmixTimeAndHeight = true }).Apply(clips, draw)[0, 0];

        Assert.Equal(9 * 4, correct.sum().item<float>());
        Assert.Equal(9, correct[0].sum().item<float>());
        Assert.Equal(0, released[0].sum().item<float>()); // frames 0 and 1 are before the "rows" 2 … 4
        Assert.Equal(2 * 3 * 6, released.sum().item<float>());
    }

    [Fact]
    public void Targets_Draw_SharesOutLabelAndSmoothing()
    {
        using var scope = torch.NewDisposeScope();

        var targets = new MixAugmentation(new MixSection { LabelSmoothing = 0.2 }).Targets(torch.tensor(new long[] { 0, 3 }), 4, new MixDraw { Lambda = 0.7 });

        var row = targets[0].data<float>().ToArray();
        Assert.Equal([(0.7f * 0.85f) + (0.3f * 0.05f), 0.05f, 0.05f, (0.3f * 0.85f) + (0.7f * 0.05f)], row, (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal(1, row.Sum(), 1e-5);
    }

    [Fact]
    public void Apply_OddBatch_IsAnError()
    {
        using var scope = torch.NewDisposeScope();
        Assert.Throws<UsageException>(() => new MixAugmentation(new MixSection()).Apply(torch.zeros([3, 1, 4, 4]), MixDraw.None));
    }
}
