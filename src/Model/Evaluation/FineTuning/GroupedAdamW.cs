using System.Globalization;
using TorchSharp.Modules;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>Parameters that share a learning-rate scale and a weight decay.</summary>
/// <param name="LearningRateScale">The group's rate at a step is schedule[step] times this.</param>
/// <param name="WeightDecay">0 for the exempt.</param>
/// <param name="Parameters">Names, in the model's order.</param>
internal sealed record DecayGroup(double LearningRateScale, double WeightDecay, IReadOnlyList<string> Parameters);

/// <summary>
/// AdamW over groups of parameters that differ in learning rate and weight decay. Values, gradients and moments lie in one buffer each, a group in one run of
/// it, so that a step is one pass per group. A parameter's values live in the buffer from construction on.
/// </summary>
internal sealed class GroupedAdamW : IDisposable
{
    private const double Eps = 1e-8;

    private readonly List<(FlatRange Range, DecayGroup Group)> _runs = [];
    private readonly FlatKernels _kernels = new();
    private readonly double[] _betas;
    private readonly Tensor _values;
    private readonly Tensor _gradients;
    private readonly Tensor _mean;
    private readonly Tensor _variance;
    private readonly Tensor _steps;

    /// <param name="groups">Each with its parameters, in the order of its names.</param>
    /// <param name="betas">Decay of the running means of the gradient and of its square.</param>
    public GroupedAdamW(IReadOnlyList<(DecayGroup Group, IReadOnlyList<Parameter> Parameters)> groups, double[] betas)
    {
        _betas = betas;
        var device = groups[0].Parameters[0].device;
        var total = groups.Sum(g => g.Parameters.Sum(Padded));
        using var unrecorded = no_grad();
        _values = zeros(total, device: device).DetachFromDisposeScope();
        _gradients = zeros(total, device: device).DetachFromDisposeScope();
        _mean = zeros(total, device: device).DetachFromDisposeScope();
        _variance = zeros(total, device: device).DetachFromDisposeScope();
        _steps = zeros([], device: device).DetachFromDisposeScope();
        long offset = 0;
        foreach ((var group, var parameters) in groups)
        {
            var start = offset;
            foreach (var parameter in parameters)
            {
                FlatParameters.View(_values, parameter, offset, gradient: false);
                FlatParameters.View(_gradients, parameter, offset, gradient: true);
                offset += Padded(parameter);
            }

            _runs.Add((FlatRange.Between(start, offset), group));
        }
    }

    /// <summary>One update, which leaves the gradients zero; a group's rate is <paramref name="learningRate"/> times its scale.</summary>
    public void Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        _steps.AddInPlace(1);
        foreach ((var range, var group) in _runs)
        {
            _kernels.AdamW(_values, _gradients, _mean, _variance, range, _steps, learningRate * group.LearningRateScale, _betas, Eps, group.WeightDecay);
        }

        _gradients.zero_();
    }

    public void Dispose()
    {
        foreach (var owned in new IDisposable[] { _values, _gradients, _mean, _variance, _steps, _kernels })
        {
            owned.Dispose();
        }
    }

    private static long Padded(Parameter parameter) => (parameter.numel() + FlatParameters.RowLength - 1) / FlatParameters.RowLength * FlatParameters.RowLength;
}

/// <summary>
/// Layer-wise learning-rate decay for fine-tuning a ViT (BEiT; Bao et al., ICLR 2022): embedding, class token and position table are layer 0, block i is layer
/// i + 1, norm and head are layer depth + 1, and a layer's scale is <c>decay^(depth + 1 − layer)</c>. Class token, position table, biases and everything
/// one-dimensional are exempt from weight decay (pre-training decays the first two).
/// </summary>
internal static class LayerDecayGroups
{
    private const string Blocks = "blocks.";

    /// <param name="parameters">Evaluation names (<c>blocks.0.…</c>, <c>norm.…</c>, <c>head.…</c>) and numbers of dimensions, in the model's order.</param>
    /// <param name="depth">Number of blocks.</param>
    /// <param name="layerDecay">Factor per layer; 1 gives every layer the same rate.</param>
    /// <param name="weightDecay">For the parameters that are not exempt.</param>
    /// <returns>Groups in the order in which their first parameter appears.</returns>
    /// <exception cref="UsageException">A block beyond the depth.</exception>
    public static IReadOnlyList<DecayGroup> Build(IEnumerable<(string Name, int Dimensions)> parameters, int depth, double layerDecay, double weightDecay) =>
        [.. parameters
            .GroupBy(p => (Layer: Layer(p.Name, depth), Decayed: p.Dimensions > 1 && p.Name is not ("cls_token" or "pos_embed")), p => p.Name)
            .Select(g => new DecayGroup(Math.Pow(layerDecay, depth + 1 - g.Key.Layer), g.Key.Decayed ? weightDecay : 0, [.. g]))];

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

        var end = name.IndexOf('.', Blocks.Length);
        var number = name.AsSpan(Blocks.Length, Math.Max(0, end - Blocks.Length));
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var block) && block < depth
            ? block + 1
            : throw new UsageException($"fine-tuning: parameter {name} is of no block of a model of depth {depth}.");
    }
}
