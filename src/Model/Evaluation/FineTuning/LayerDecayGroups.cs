using System.Globalization;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Layer-wise learning-rate decay for fine-tuning a ViT (BEiT; Bao et al., ICLR 2022): embedding, class token and position table are layer 0, block i is layer i + 1, norm
/// and head are layer depth + 1, and a layer's scale is <c>decay^(depth + 1 − layer)</c>. Class token, position table, biases and everything one-dimensional
/// are exempt from weight decay (pre-training decays the first two).
/// </summary>
public static class LayerDecayGroups
{
    private const string Blocks = "blocks.";

    /// <param name="parameters">Trainable parameters under evaluation names (<c>cls_token</c>, <c>blocks.0.…</c>, <c>norm.…</c>, <c>head.…</c>) with their number of dimensions, in the model's order.</param>
    /// <param name="depth">Number of blocks.</param>
    /// <param name="layerDecay">Factor per layer; 1 gives every layer the same rate.</param>
    /// <param name="weightDecay">For the parameters that are not exempt.</param>
    /// <returns>Groups in the order in which their first parameter appears.</returns>
    /// <exception cref="UsageException">A block beyond the depth.</exception>
    public static IReadOnlyList<DecayGroup> Build(IEnumerable<(string Name, int Dimensions)> parameters, int depth, double layerDecay, double weightDecay)
    {
        Dictionary<(int Layer, bool Decayed), List<string>> groups = [];
        List<(int Layer, bool Decayed)> order = [];
        foreach ((string name, int dimensions) in parameters)
        {
            (int Layer, bool Decayed) key = (Layer(name, depth), dimensions > 1 && name is not ("cls_token" or "pos_embed"));
            if (!groups.TryGetValue(key, out List<string>? names))
            {
                groups[key] = names = [];
                order.Add(key);
            }

            names.Add(name);
        }

        return [.. order.Select(key => new DecayGroup(Math.Pow(layerDecay, depth + 1 - key.Layer), key.Decayed ? weightDecay : 0, groups[key]))];
    }

    private static int Layer(string name, int depth)
    {
        if (name is "cls_token" or "pos_embed" || name.StartsWith("patch_embed", StringComparison.Ordinal))
        {
            return 0;
        }

        if (!name.StartsWith(Blocks, StringComparison.Ordinal))
        {
            return depth + 1;
        }

        int end = name.IndexOf('.', Blocks.Length);
        return end > 0 && int.TryParse(name.AsSpan(Blocks.Length, end - Blocks.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int block) && block < depth
            ? block + 1
            : throw new UsageException($"fine-tuning: parameter {name} is of no block of a model of depth {depth}.");
    }
}
