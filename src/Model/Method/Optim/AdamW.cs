using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// What AdamW remembers, in buffers parallel to the flat parameters. The projectors' last layers count their own steps: while frozen, neither their values
/// nor their moments nor their count change.
/// </summary>
internal sealed class AdamWState : IDisposable
{
    public AdamWState(FlatParameters parameters)
    {
        Mean = zeros_like(parameters.Values).DetachFromDisposeScope();
        Variance = zeros_like(parameters.Values).DetachFromDisposeScope();
        Steps = zeros([], device: parameters.Values.device).DetachFromDisposeScope();
        LastLayerSteps = zeros([], device: parameters.Values.device).DetachFromDisposeScope();
    }

    /// <summary>Running means of the gradients [total].</summary>
    public Tensor Mean { get; }

    /// <summary>Running means of the squared gradients [total].</summary>
    public Tensor Variance { get; }

    /// <summary>Updates so far, a scalar.</summary>
    public Tensor Steps { get; }

    /// <summary>Updates of the projectors' last layers so far, a scalar.</summary>
    public Tensor LastLayerSteps { get; }

    /// <summary>Counts an update.</summary>
    public void Advance(bool freezeLastLayer)
    {
        Steps.AddInPlace(1);
        if (!freezeLastLayer)
        {
            LastLayerSteps.AddInPlace(1);
        }
    }

    public void Dispose()
    {
        Mean.Dispose();
        Variance.Dispose();
        Steps.Dispose();
        LastLayerSteps.Dispose();
    }
}

/// <summary>The numbers of one AdamW update, as its kernel takes them: p = p · <see cref="Decay"/> − <see cref="StepSize"/> · m / (√v · <see cref="Deviation"/> + <see cref="Eps"/>).</summary>
internal readonly struct AdamWScalars
{
    /// <param name="options">AdamW's constants.</param>
    /// <param name="steps">Updates including this one.</param>
    /// <param name="learningRate">Learning rate.</param>
    /// <param name="decay">Decoupled weight decay.</param>
    public AdamWScalars(OptimSection options, double steps, double learningRate, double decay)
    {
        var (beta1, beta2) = (options.Betas[0], options.Betas[1]);
        TakeMean = (float)(1 - beta1);
        KeepVariance = (float)beta2;
        TakeVariance = (float)(1 - beta2);
        Eps = (float)options.Eps;
        Decay = (float)(1 - (learningRate * decay));
        StepSize = (float)(learningRate / (1 - Math.Pow(beta1, steps)));
        Deviation = (float)(1 / Math.Sqrt(1 - Math.Pow(beta2, steps)));
    }

    /// <summary>Share of the gradient in its running mean.</summary>
    public float TakeMean { get; }

    /// <summary>Share kept of the squared gradient's running mean.</summary>
    public float KeepVariance { get; }

    /// <summary>Share of the squared gradient in its running mean.</summary>
    public float TakeVariance { get; }

    public float Eps { get; }

    /// <summary>What weight decay leaves of a value.</summary>
    public float Decay { get; }

    /// <summary>Learning rate over the bias correction of the mean.</summary>
    public float StepSize { get; }

    /// <summary>Bias correction of the deviation.</summary>
    public float Deviation { get; }
}

/// <summary>What comes between the gradients and the next step: clipping per parameter, AdamW, the teachers' moving averages.</summary>
internal interface IParameterUpdate : IDisposable
{
    /// <summary>Updates students and teachers, and leaves the gradients zero.</summary>
    /// <returns>On the device [2]: the norm of all gradients together before clipping, and the share of the clipped parameters' visits in which clipping changed a gradient.</returns>
    Tensor Apply(in StepSchedule schedule, IStepObserver? observer);

    /// <summary>Clips the gradients in place and changes nothing else; gives what <see cref="Apply"/> gives.</summary>
    Tensor Clip(IStepObserver? observer);
}
