using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Names of an encoder's parameters in the evaluation models of the reference (<c>pos_embed</c>, <c>patch_embed</c>, <c>blocks</c>, <c>norm</c>) against their
/// names in pre-training (<c>enc_pos_embed</c>, <c>cuboid_embed</c>, <c>encoder.blocks</c>, <c>encoder_norm</c>).
/// </summary>
public static class EvaluationNames
{
    private static readonly (string Pretraining, string Evaluation)[] Prefixes =
    [
        ("enc_pos_embed", "pos_embed"),
        ("cuboid_embed.", "patch_embed."),
        ("encoder.blocks.", "blocks."),
        ("encoder_norm.", "norm."),
    ];

    /// <summary>Evaluation name of a pre-training name; a name both share (<c>cls_token</c>, <c>patch_embed.…</c>) comes back as it is.</summary>
    public static string FromPretraining(string name)
    {
        foreach ((string pretraining, string evaluation) in Prefixes)
        {
            if (name.StartsWith(pretraining, StringComparison.Ordinal))
            {
                return evaluation + name[pretraining.Length..];
            }
        }

        return name;
    }

    /// <summary>Pre-training name of an evaluation name, for an encoder of <paramref name="modality"/> (<c>video</c> or <c>audio</c>), whose embeddings differ in name.</summary>
    /// <exception cref="UsageException">Another modality.</exception>
    public static string ToPretraining(string name, string modality)
    {
        if (modality is not ("video" or "audio"))
        {
            throw new UsageException($"weights: modality {modality} has no encoder; use video or audio.");
        }

        foreach ((string pretraining, string evaluation) in Prefixes)
        {
            if (name.StartsWith(evaluation, StringComparison.Ordinal) && (modality == "video" || evaluation != "patch_embed."))
            {
                return pretraining + name[evaluation.Length..];
            }
        }

        return name;
    }

    /// <summary>Trainable parameters of an evaluation encoder with a classifier head, in the reference's order, with their number of dimensions.</summary>
    public static IEnumerable<(string Name, int Dimensions)> Parameters(int depth, bool classToken, bool batchNorm)
    {
        if (classToken)
        {
            yield return ("cls_token", 3);
        }

        yield return ("pos_embed", 3);
        for (int block = 0; block < depth; block++)
        {
            foreach ((string part, bool bias, int dimensions) in new[]
            {
                ("norm1", true, 1), ("attn.qkv", false, 2), ("attn.proj", true, 2), ("norm2", true, 1), ("mlp.fc1", true, 2), ("mlp.fc2", true, 2),
            })
            {
                yield return ($"blocks.{block}.{part}.weight", dimensions);
                if (bias)
                {
                    yield return ($"blocks.{block}.{part}.bias", 1);
                }
            }
        }

        yield return ("patch_embed.proj.weight", 2);
        yield return ("patch_embed.proj.bias", 1);
        yield return ("norm.weight", 1);
        yield return ("norm.bias", 1);
        if (batchNorm)
        {
            yield return ("head.bn.weight", 1);
            yield return ("head.bn.bias", 1);
        }

        yield return ("head.classifier.weight", 2);
        yield return ("head.classifier.bias", 1);
    }
}
