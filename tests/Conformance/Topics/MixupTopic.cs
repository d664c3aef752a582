using TorchSharp;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;

namespace Xkd.Conformance;

/// <summary>Mixup and CutMix with the draws given; CutMix on clips both as released (time and height) and correct (height and width).</summary>
internal sealed class MixupTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["mixup"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        LibTorch.Load();
        var smoothing = golden.Config.GetProperty("label_smoothing").GetDouble();
        var classes = golden.Config.GetProperty("num_classes").GetInt32();
        using var scope = torch.NewDisposeScope();
        var labels = torch.tensor(golden.Int64s("in/targets"));
        check.Equal("batch", labels.shape[0], golden.Config.GetProperty("batch").GetInt64());
        MixAugmentation correct = new(new MixSection { LabelSmoothing = smoothing });
        MixAugmentation released = new(new MixSection { LabelSmoothing = smoothing, CutmixTimeAndHeight = true });
        foreach (var op in golden.Config.GetProperty("ops").EnumerateObject())
        {
            var source = "in/" + op.Name[(op.Name.LastIndexOf('_') + 1)..];
            var shape = golden.Shape(source);
            var input = torch.tensor(golden.Floats(source)).reshape(shape);
            MixDraw draw = new() { Lambda = op.Value.GetProperty("lam").GetDouble() };
            if (op.Value.GetProperty("kind").GetString() == "cutmix")
            {
                int height = (int)shape[^2], width = (int)shape[^1];
                var box = CutBox.Around(height, width, draw.Lambda, op.Value.GetProperty("center_y").GetInt32(), op.Value.GetProperty("center_x").GetInt32());
                draw = new MixDraw { Lambda = box.Kept(height, width), Box = box };
                check.SameSequence($"{op.Name} box", [box.Top, box.Bottom, box.Left, box.Right], op.Value.GetProperty("box_yl_yh_xl_xh").Ints());
                check.Values($"{op.Name} lambda", [draw.Lambda], [op.Value.GetProperty("lam_corrected").GetDouble()], check.ToleranceOf(op.Name));
            }

            var mixed = released.Apply(input, draw);
            check.Close($"out/{op.Name}/x", mixed.contiguous().data<float>().ToArray(), mixed.shape);
            var targets = released.Targets(labels, classes, draw);
            check.Close($"out/{op.Name}/targets", targets.contiguous().data<float>().ToArray(), targets.shape);
            if (golden.Has($"out/{op.Name}_spatial/x"))
            {
                var spatial = correct.Apply(input, draw);
                check.Close($"out/{op.Name}_spatial/x", spatial.contiguous().data<float>().ToArray(), spatial.shape);
            }
        }
    }
}
