using Xkd.Model.Weights;

namespace Xkd.Cli.Hosting;

/// <summary>Encoders as named on the command line.</summary>
internal static class WeightChoices
{
    public static WeightBranch Branch(string name) => name == "student" ? WeightBranch.Student : WeightBranch.Teacher;

    public static WeightModality? Modality(string name) => name switch { "video" => WeightModality.Video, "audio" => WeightModality.Audio, _ => null };
}
