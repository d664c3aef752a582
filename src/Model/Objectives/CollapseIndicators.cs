using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Objectives;

/// <summary>Numbers that tell a distillation that collapses: teachers that say one thing with certainty, or nothing, and students that say the same of every clip.</summary>
internal static class CollapseIndicators
{
    public const int Count = 6;

    /// <summary>
    /// [6] float32, on the device: the entropies of the video and the audio centre, the mean entropies of both teachers' outputs (with the centres as they are
    /// now), and the mean deviation of both students' logits over their rows. Zeros where the cross-modal terms are left out.
    /// </summary>
    public static Tensor Of(XkdTerms terms, Tensor videoCenter, Tensor audioCenter, in KdTemperatures temperatures)
    {
        if (terms.VideoTeacher is null || terms.AudioTeacher is null || terms.VideoStudent is null || terms.AudioStudent is null)
        {
            return zeros(Count, device: videoCenter.device);
        }

        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        return scope.MoveToOuter(stack([
            Entropy(videoCenter, temperatures.TeacherVideo),
            Entropy(audioCenter, temperatures.TeacherAudio),
            Entropy(terms.VideoTeacher.Logits - videoCenter, temperatures.TeacherVideo),
            Entropy(terms.AudioTeacher.Logits - audioCenter, temperatures.TeacherAudio),
            Deviation(terms.VideoStudent.Logits),
            Deviation(terms.AudioStudent.Logits),
        ]));
    }

    // Mean over rows [B, K] of the entropy of their softmax, nats.
    private static Tensor Entropy(Tensor logits, double temperature)
    {
        var logarithms = nn.functional.log_softmax(logits.to(ScalarType.Float32).Over(temperature), -1); // [B, K]
        return -(logarithms.exp() * logarithms).sum(-1).mean();
    }

    // Of each logit over the rows [B, K], then the mean of all.
    private static Tensor Deviation(Tensor logits)
    {
        var rows = logits.detach().to(ScalarType.Float32);
        return (rows - rows.mean([0L], keepdim: true)).square().mean([0L]).sqrt().mean();
    }
}
