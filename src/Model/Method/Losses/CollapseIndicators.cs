using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// Numbers that tell a distillation that collapses: teachers that say one thing with certainty, or nothing, and students that say the same of every clip.
/// </summary>
internal static class CollapseIndicators
{
    /// <summary>
    /// Scalars on the device, of video and audio each: the entropy of the teacher's centre, the mean entropy of its outputs (nats; the logarithm of the
    /// number of logits is uniform, 0 is one logit), and the standard deviation of the student's and of the teacher's logits over their rows, mean over the
    /// logits (0: the same of every clip; 1: as a clip's logits have unit variance, all of it is between clips). And of each distillation term its floor:
    /// what it costs a student that says just what the teacher says.
    /// </summary>
    /// <param name="branches">Logits of students and teachers.</param>
    /// <param name="videoCenter">Centre of the video teacher's logits.</param>
    /// <param name="audioCenter">Centre of the audio teacher's logits.</param>
    /// <param name="temperatures">Of the teachers, and of the students as the distillation takes them.</param>
    public static (string Name, Tensor Value)[] Of(BranchOutputs branches, Tensor videoCenter, Tensor audioCenter, in KdTemperatures temperatures)
    {
        using var unrecorded = no_grad();
        Tensor video = branches.VideoTeacher.Logits - videoCenter, audio = branches.AudioTeacher.Logits - audioCenter; // [B, K]
        return
        [
            ("center_entropy_video", Entropy(videoCenter, temperatures.TeacherVideo)),
            ("center_entropy_audio", Entropy(audioCenter, temperatures.TeacherAudio)),
            ("teacher_entropy_video", Entropy(video, temperatures.TeacherVideo)),
            ("teacher_entropy_audio", Entropy(audio, temperatures.TeacherAudio)),
            ("floor_kd_v2a", CrossEntropy(video, temperatures.TeacherVideo, temperatures.StudentAudio)),
            ("floor_kd_a2v", CrossEntropy(audio, temperatures.TeacherAudio, temperatures.StudentVideo)),
            ("std_video", Deviation(branches.VideoStudent.Logits)),
            ("std_audio", Deviation(branches.AudioStudent.Logits)),
            ("std_teacher_video", Deviation(branches.VideoTeacher.Logits)),
            ("std_teacher_audio", Deviation(branches.AudioTeacher.Logits)),
        ];
    }

    // Mean over rows [B, K] of the entropy of their softmax, nats.
    private static Tensor Entropy(Tensor logits, double temperature) => CrossEntropy(logits, temperature, temperature);

    // Of rows at one temperature with the same rows at another, mean over the rows [B, K], nats.
    private static Tensor CrossEntropy(Tensor logits, double temperature, double other)
    {
        var exact = logits.to(ScalarType.Float32);
        return -(exact.Div(temperature).softmax(-1) * nn.functional.log_softmax(exact.Div(other), -1)).sum(-1).mean();
    }

    // Of each logit over the rows [B, K], then the mean of all.
    private static Tensor Deviation(Tensor logits)
    {
        var rows = logits.detach().to(ScalarType.Float32);
        return (rows - rows.mean([0L], keepdim: true)).Square().mean([0L]).sqrt().mean();
    }
}
