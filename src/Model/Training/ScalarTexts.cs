namespace Xkd.Model.Training;

/// <summary>What the scalars of a step are called in charts, and their units.</summary>
internal static class ScalarTexts
{
    private static readonly Dictionary<string, (string Meaning, string Unit)> Known = new(StringComparer.Ordinal)
    {
        ["loss"] = ("weighted mean of the terms", "loss"),
        ["recon_video"] = ("reconstruction of masked video", "mean squared error"),
        ["recon_audio"] = ("reconstruction of masked audio", "mean squared error"),
        ["kd_v2a"] = ("the audio student learns of the video teacher", "cross-entropy, nats"),
        ["kd_a2v"] = ("the video student learns of the audio teacher", "cross-entropy, nats"),
        ["align_student"] = ("distance of the students' domains", "MMD"),
        ["align_teacher"] = ("distance of the teachers' domains", "MMD"),
        ["mmd_kxx"] = ("students: video beside video", "mean kernel value"),
        ["mmd_kyy"] = ("students: audio beside audio", "mean kernel value"),
        ["mmd_kxy"] = ("students: video beside audio", "mean kernel value"),
        ["center_entropy_video"] = ("entropy of the video teacher's centre", "nats"),
        ["center_entropy_audio"] = ("entropy of the audio teacher's centre", "nats"),
        ["teacher_entropy_video"] = ("entropy of the video teacher's outputs", "nats"),
        ["teacher_entropy_audio"] = ("entropy of the audio teacher's outputs", "nats"),
        ["std_video"] = ("spread of the video student's logits; 0 is collapse", "standard deviation"),
        ["std_audio"] = ("spread of the audio student's logits; 0 is collapse", "standard deviation"),
        ["std_teacher_video"] = ("spread of the video teacher's logits; 0 is collapse", "standard deviation"),
        ["std_teacher_audio"] = ("spread of the audio teacher's logits; 0 is collapse", "standard deviation"),
        ["floor_kd_v2a"] = ("what kd_v2a costs who says what the video teacher says", "cross-entropy, nats"),
        ["floor_kd_a2v"] = ("what kd_a2v costs who says what the audio teacher says", "cross-entropy, nats"),
        ["clipped"] = ("parameters whose gradient was clipped", "share, 0 to 1"),
        ["grad_norm"] = ("norm of the gradients before clipping", "norm"),
        ["lr"] = ("learning rate", "learning rate"),
        ["ms"] = ("time of a step", "milliseconds"),
        ["samples_per_s"] = ("speed", "clips a second"),
        ["data_wait"] = ("share of the step spent waiting for its batch", "share, 0 to 1"),
    };

    // What is never negative and whose distance from 0 means something.
    private static readonly HashSet<string> Rates = ["grad_norm", "lr", "ms", "samples_per_s", "data_wait", "std_video", "std_audio", "std_teacher_video", "std_teacher_audio", "clipped"];

    public static string Title(string name) => Known.TryGetValue(name, out var text) ? $"{name}: {text.Meaning}" : name;

    public static string Unit(string name) => Known.TryGetValue(name, out var text) ? text.Unit : name;

    public static bool From0(string name) => Rates.Contains(name);
}
