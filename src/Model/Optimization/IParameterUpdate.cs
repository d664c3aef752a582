using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>What comes between the gradients and the next step: clipping per parameter, AdamW, the teachers' moving averages.</summary>
internal interface IParameterUpdate : IDisposable
{
    /// <summary>Updates students and teachers, and leaves the gradients zero.</summary>
    /// <returns>Norm of all gradients together before clipping [1], on the device.</returns>
    Tensor Apply(in StepSchedule schedule, IStepObserver? observer);

    /// <summary>Clips the gradients in place and changes nothing else; gives what <see cref="Apply"/> gives.</summary>
    Tensor Clip(IStepObserver? observer);
}
