using Xkd.Model.Weights;

namespace Xkd.Cli.Hosting;

/// <summary>Encoders as named on the command line.</summary>
internal static class WeightChoices
{
    public static WeightBranch Branch(string name) => name == "student" ? WeightBranch.Student : WeightBranch.Teacher;

    /// <summary>In the order in which their features are joined.</summary>
    public static IReadOnlyList<WeightModality> Modalities(string name) => name == "av" ? [WeightModality.Audio, WeightModality.Video] : [Modality(name)!.Value];

    public static WeightModality? Modality(string name) => name switch { "video" => WeightModality.Video, "audio" => WeightModality.Audio, _ => null };
}
