namespace Xkd.Model.Weights;

/// <summary>
/// The two spellings of an encoder's parameters. The canonical one is pre-training's (<c>enc_pos_embed</c>, <c>encoder.blocks.0…</c>, <c>encoder_norm</c>;
/// video patches in <c>cuboid_embed</c>, audio's in <c>patch_embed</c>). The reference's evaluation networks drop the prefixes and call both
/// <c>patch_embed</c>.
/// </summary>
internal static class WeightNames
{
    private const string VideoPatches = "cuboid_embed.";
    private const string AudioPatches = "patch_embed.";

    // Evaluation → pre-training, whatever the modality.
    private static readonly (string Evaluation, string PreTraining)[] Prefixes =
    [
        ("blocks.", "encoder.blocks."),
        ("norm.", "encoder_norm."),
        ("pos_embed", "enc_pos_embed"),
    ];

    /// <summary>Name of the backbone inside a pre-training state dict: <c>vid_teacher.backbone.</c> and so on.</summary>
    public static string BackbonePrefix(WeightModality modality, WeightBranch branch) =>
        $"{(modality == WeightModality.Video ? "vid" : "aud")}_{(branch == WeightBranch.Teacher ? "teacher" : "student")}.backbone.";

    /// <summary>
    /// Which of a whole model's names make up one encoder, and their names in it. Where the two modalities share their blocks (XKD-MAS students, both branches
    /// of XKD-MATS) a checkpoint holds them once, under the other modality: they are taken from there.
    /// </summary>
    /// <returns>Empty where the model has no such encoder.</returns>
    internal static IReadOnlyList<(string Stored, string Canonical)> OfBackbone(IReadOnlyCollection<string> names, WeightModality modality, WeightBranch branch)
    {
        const string Blocks = "encoder.";
        var own = Beneath(names, BackbonePrefix(modality, branch), "");
        if (own.Count == 0 || own.Exists(name => name.Canonical.StartsWith(Blocks, StringComparison.Ordinal)))
        {
            return own;
        }

        var other = modality == WeightModality.Video ? WeightModality.Audio : WeightModality.Video;
        return [.. own, .. Beneath(names, BackbonePrefix(other, branch) + Blocks, Blocks)];
    }

    /// <summary>The canonical spelling of an encoder parameter, itself where it already is.</summary>
    public static string ToCanonical(string name, WeightModality modality)
    {
        if (modality == WeightModality.Video && name.StartsWith(AudioPatches, StringComparison.Ordinal))
        {
            return VideoPatches + name[AudioPatches.Length..];
        }

        foreach (var (evaluation, preTraining) in Prefixes)
        {
            if (name.StartsWith(evaluation, StringComparison.Ordinal))
            {
                return preTraining + name[evaluation.Length..];
            }
        }

        return name;
    }

    /// <summary>The evaluation spelling of a canonical name, itself where there is no other.</summary>
    public static string ToEvaluation(string name)
    {
        if (name.StartsWith(VideoPatches, StringComparison.Ordinal))
        {
            return AudioPatches + name[VideoPatches.Length..];
        }

        foreach (var (evaluation, preTraining) in Prefixes)
        {
            if (name.StartsWith(preTraining, StringComparison.Ordinal))
            {
                return evaluation + name[preTraining.Length..];
            }
        }

        return name;
    }

    // A data-parallel wrapper may stand before the prefix.
    private static List<(string Stored, string Canonical)> Beneath(IReadOnlyCollection<string> names, string prefix, string canonicalPrefix) =>
    [
        .. names.Select(name => (Name: name, At: name.IndexOf(prefix, StringComparison.Ordinal)))
            .Where(found => found.At == 0 || (found.At > 0 && found.Name[found.At - 1] == '.'))
            .Select(found => (found.Name, canonicalPrefix + found.Name[(found.At + prefix.Length)..])),
    ];

    /// <summary>True where the names are a whole pre-training model's, not one encoder's.</summary>
    internal static bool IsWholeModel(IEnumerable<string> names) =>
        names.Any(name => name.StartsWith("vid_", StringComparison.Ordinal) || name.StartsWith("aud_", StringComparison.Ordinal));

    /// <summary>The modality an encoder's weights tell; null where they do not.</summary>
    internal static WeightModality? Detect(IReadOnlyList<WeightTensor> tensors)
    {
        if (tensors.Any(tensor => tensor.Name.StartsWith(VideoPatches, StringComparison.Ordinal)))
        {
            return WeightModality.Video;
        }

        var projection = tensors.FirstOrDefault(tensor => tensor.Name == AudioPatches + "proj.weight");
        if (projection is null)
        {
            return null;
        }

        // In pre-training's spelling `patch_embed` is audio's. In evaluation's it is anyone's: a cuboid of colour has a multiple of three values, a patch of a
        // spectrogram (powers of two in every released model) has not.
        var preTraining = tensors.Any(tensor => tensor.Name is "enc_pos_embed" || tensor.Name.StartsWith("encoder.", StringComparison.Ordinal));
        return preTraining || projection.Shape is not [_, .., var last] || (projection.Shape.Length == 2 && last % 3 != 0)
            ? WeightModality.Audio
            : WeightModality.Video;
    }
}

/// <summary>Which encoder a set of weights belongs to.</summary>
public enum WeightModality
{
    Video,
    Audio,
}

/// <summary>Which copy of a pre-trained encoder: the teacher (the average that evaluation uses) or the student.</summary>
public enum WeightBranch
{
    Teacher,
    Student,
}
