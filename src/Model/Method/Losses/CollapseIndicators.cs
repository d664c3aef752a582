using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>Numbers that tell a distillation that collapses: teachers that say one thing with certainty, or nothing, and students that say the same of every clip.</summary>
internal static class CollapseIndicators
{
    /// <summary>
    /// Scalars on the device, of video and audio each: the entropy of the teacher's centre, the mean entropy of its outputs (nats; the logarithm of the number of
    /// logits is uniform, 0 is one logit), and the standard deviation of the student's and of the teacher's logits over their rows, mean over the logits (0: the
    /// same of every clip; 1: as a clip's logits have unit variance, all of it is between clips).
    /// </summary>
    public static (string Name, Tensor Value)[] Of(BranchOutputs branches, Tensor videoCenter, Tensor audioCenter, in KdTemperatures temperatures)
    {
        using var unrecorded = no_grad();
        return
        [
            ("center_entropy_video", Entropy(videoCenter, temperatures.TeacherVideo)),
            ("center_entropy_audio", Entropy(audioCenter, temperatures.TeacherAudio)),
            ("teacher_entropy_video", Entropy(branches.VideoTeacher.Logits - videoCenter, temperatures.TeacherVideo)),
            ("teacher_entropy_audio", Entropy(branches.AudioTeacher.Logits - audioCenter, temperatures.TeacherAudio)),
            ("std_video", Deviation(branches.VideoStudent.Logits)),
            ("std_audio", Deviation(branches.AudioStudent.Logits)),
            ("std_teacher_video", Deviation(branches.VideoTeacher.Logits)),
            ("std_teacher_audio", Deviation(branches.AudioTeacher.Logits)),
        ];
    }

    // Mean over rows [B, K] of the entropy of their softmax, nats.
    private static Tensor Entropy(Tensor logits, double temperature)
    {
        var logarithms = nn.functional.log_softmax(logits.to(ScalarType.Float32).Div(temperature), -1); // [B, K]
        return -(logarithms.exp() * logarithms).sum(-1).mean();
    }

    // Of each logit over the rows [B, K], then the mean of all.
    private static Tensor Deviation(Tensor logits)
    {
        var rows = logits.detach().to(ScalarType.Float32);
        return (rows - rows.mean([0L], keepdim: true)).square().mean([0L]).sqrt().mean();
    }
}
