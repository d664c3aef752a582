using TorchSharp;
using TorchSharp.Modules;
using Xkd.Model.Native;
using Xkd.Model.Optimization;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// AdamW over groups of parameters that differ in learning rate and weight decay. Values, gradients and moments lie in one buffer each, a group in one run of it, so that a
/// step is one pass per group. A parameter's values live in the buffer from construction on.
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
        Device device = groups[0].Parameters[0].device;
        long total = groups.Sum(g => g.Parameters.Sum(Padded));
        using IDisposable unrecorded = no_grad();
        _values = zeros(total, device: device).DetachFromDisposeScope();
        _gradients = zeros(total, device: device).DetachFromDisposeScope();
        _mean = zeros(total, device: device).DetachFromDisposeScope();
        _variance = zeros(total, device: device).DetachFromDisposeScope();
        _steps = zeros([], device: device).DetachFromDisposeScope();
        long offset = 0;
        foreach ((DecayGroup group, IReadOnlyList<Parameter> parameters) in groups)
        {
            long start = offset;
            foreach (Parameter parameter in parameters)
            {
                FlatParameters.View(_values, parameter, offset, gradient: false);
                FlatParameters.View(_gradients, parameter, offset, gradient: true);
                offset += Padded(parameter);
            }

            _runs.Add((FlatRange.Between(start, offset), group));
        }
    }

    /// <summary>Before a backward pass, which adds to the gradients.</summary>
    public void ClearGradients()
    {
        using IDisposable unrecorded = no_grad();
        _gradients.zero_();
    }

    /// <summary>One update; a group's rate is <paramref name="learningRate"/> times its scale.</summary>
    public void Step(double learningRate)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable unrecorded = no_grad();
        _steps.Increase(1);
        foreach ((FlatRange range, DecayGroup group) in _runs)
        {
            Tensor Of(Tensor buffer) => buffer.narrow(0, range.Offset, range.Length);
            _kernels.AdamW(Of(_values), Of(_gradients), Of(_mean), Of(_variance), _steps, learningRate * group.LearningRateScale, _betas, Eps, group.WeightDecay);
        }
    }

    public void Dispose()
    {
        foreach (Tensor buffer in new[] { _values, _gradients, _mean, _variance, _steps })
        {
            buffer.Dispose();
        }

        _kernels.Dispose();
    }

    private static long Padded(Parameter parameter) => (parameter.numel() + FlatParameters.RowLength - 1) / FlatParameters.RowLength * FlatParameters.RowLength;
}
