using Xkd.Model.Method;
using static TorchSharp.torch;

namespace Xkd.Conformance.Topics;

/// <summary>The losses one by one: cross-modal attention, discrepancy, centred cross-entropy.</summary>
internal sealed class ObjectiveTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["cross_modal", "mmd", "dino_loss"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        using var scope = GoldenTensors.Scope();
        switch (golden.Topic)
        {
            case "cross_modal":
                CrossModal(golden, check);
                break;
            case "mmd":
                Mmd(golden, check);
                break;
            default:
                CrossEntropy(golden, check);
                break;
        }
    }

    private static void CrossModal(GoldenCase golden, GoldenCheck check)
    {
        Tensor video = golden.Tensor("in/vattn"), audio = golden.Tensor("in/aattn");
        Sizes(golden, check, ("batch", video, 0), ("heads", video, 1), ("n_video", video, -1), ("n_audio", audio, -1), ("dim", golden.Tensor("in/vfeat"), -1));
        foreach (var (name, mode) in new[] { ("mean", AttentionRefinement.Mean), ("softmax", AttentionRefinement.Softmax) }.Where(m => golden.Has($"out/{m.Item1}/cvattn")))
        {
            Tensor videoWeights = CrossModalAttention.Refine(video, audio, mode), audioWeights = CrossModalAttention.Refine(audio, video, mode);
            check.Close($"out/{name}/cvattn", videoWeights);
            check.Close($"out/{name}/caattn", audioWeights);
            check.Close($"out/{name}/vfeat_aligned", CrossModalAttention.AlignFeatures(golden.Tensor("in/vfeat"), videoWeights));
            check.Close($"out/{name}/afeat_aligned", CrossModalAttention.AlignFeatures(golden.Tensor("in/afeat"), audioWeights));
        }
    }

    private static void Sizes(GoldenCase golden, GoldenCheck check, params ReadOnlySpan<(string Name, Tensor Tensor, int Axis)> sizes)
    {
        foreach (var (name, tensor, axis) in sizes)
        {
            check.Equal(name, tensor.shape[axis < 0 ? tensor.shape.Length + axis : axis], golden.Config.GetProperty(name).GetInt64());
        }
    }

    private static void Mmd(GoldenCase golden, GoldenCheck check)
    {
        foreach (var kind in new[] { "gaussian", "mean_cov" })
        {
            Tensor x = golden.Tensor("in/x").requires_grad_(), y = golden.Tensor("in/y").requires_grad_();
            var loss = kind == "gaussian" ? MaximumMeanDiscrepancy.Gaussian(x, y).Loss : MaximumMeanDiscrepancy.MeanCovariance(x, y);
            check.Scalar($"{kind}/loss", loss);
            check.Scalar($"{kind}/loss_float64", loss);
            loss.backward();
            check.Close($"out/{kind}/grad_x", x.grad!);
            check.Close($"out/{kind}/grad_y", y.grad!);
        }

        Sizes(golden, check, ("n_x", golden.Tensor("in/x"), 0), ("n_y", golden.Tensor("in/y"), 0), ("dim", golden.Tensor("in/x"), 1));
        golden.Config.Describes("scale", "layernorm"); // how the rows were drawn
        var rows = golden.Tensor("in/x").to(ScalarType.Float64);
        check.Close("out/sq_dist_xx", MaximumMeanDiscrepancy.SquaredDistances(rows, rows));
    }

    private static void CrossEntropy(GoldenCase golden, GoldenCheck check)
    {
        var config = golden.Config;
        using var objective = new CenteredCrossEntropy(config.GetProperty("out_dim").GetInt32(), golden.Device());
        for (var call = 0; call < config.GetProperty("calls").GetInt32(); call++)
        {
            var student = golden.Tensor($"in/student{call}").requires_grad_();
            var loss = objective.Loss(student, golden.Tensor($"in/teacher{call}"), config.GetProperty("student_temp").GetDouble(),
                config.GetProperty("teacher_temp").GetDouble(), config.GetProperty("num_teacher_views").GetInt32());
            check.Scalar($"loss{call}", loss);
            check.SameSequence("rows of students and teachers", [student.shape[0], golden.Shape($"in/teacher{call}")[0]],
                new[] { "num_student_views", "num_teacher_views" }.Select(views => config.GetProperty("batch").GetInt64() * config.GetProperty(views).GetInt64()));
            objective.MoveCenter(CenteredCrossEntropy.TeacherMean(golden.Tensor($"in/teacher{call}")), config.GetProperty("center_momentum").GetDouble());
            loss.backward();
            check.Close($"out/grad_student{call}", student.grad!);
            check.Close($"out/center{call}", objective.Center);
        }
    }
}
