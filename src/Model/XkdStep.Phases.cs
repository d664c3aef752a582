using Xkd.Model.Native;
using Xkd.Model.Objectives;
using static TorchSharp.torch;

namespace Xkd.Model;

/// <content>The phases of a step.</content>
public sealed partial class XkdStep
{
    /// <summary>Forward, backward and clip, without changing any parameter.</summary>
    internal XkdLosses Differentiate(IReadOnlyList<XkdInput> microBatches, in KdTemperatures temperatures)
    {
        using var scope = NewDisposeScope();
        var terms = Backward(microBatches, temperatures); // [16]
        return Losses(terms, update.Clip(Observer));
    }

    private static XkdLosses Losses(Tensor terms, Tensor gradientNorm) => new(cat([terms, gradientNorm]).DetachFromDisposeScope()); // [17]

    // Fresh gradients of the mean over the micro-batches and all ranks; gives the mean terms [16].
    private Tensor Backward(IReadOnlyList<XkdInput> microBatches, in KdTemperatures temperatures)
    {
        if (!gradientsAreZero)
        {
            parameters.Gradients.zero_();
        }

        gradientsAreZero = false;
        Tensor? total = null;
        foreach (var input in microBatches)
        {
            using var scope = NewDisposeScope();
            var terms = Forward(input, temperatures);
            Observer?.Forwarded(terms);
            (microBatches.Count == 1 ? terms.Loss : terms.Loss.Over(microBatches.Count)).backward();
            using var unrecorded = no_grad();
            var packed = Pack(terms, temperatures).Over(microBatches.Count);
            total = scope.MoveToOuter(total is null ? packed : total + packed);
        }

        Options.ReduceGradients?.Invoke(parameters.Gradients);
        Observer?.Differentiated();
        return total ?? throw new ArgumentException("a step needs at least one batch", nameof(microBatches));
    }

    private XkdTerms Forward(XkdInput input, in KdTemperatures temperatures)
    {
        using var casting = Model.Casting?.Enter(); // backward follows the dtypes that forward recorded, outside of it
        return Model.forward(input, temperatures);
    }

    private Tensor Pack(XkdTerms terms, in KdTemperatures temperatures)
    {
        var scalars = stack(new[]
        {
            terms.Loss, terms.ReconVideo, terms.ReconAudio, terms.KdV2A, terms.KdA2V, terms.AlignStudent.Loss, terms.AlignTeacher.Loss,
            terms.AlignStudent.Kxx, terms.AlignStudent.Kyy, terms.AlignStudent.Kxy,
        }.Select(term => term.detach().to(ScalarType.Float32)).ToArray()); // [10]
        return cat([scalars, CollapseIndicators.Of(terms, Model.VideoCenter, Model.AudioCenter, temperatures)]); // [16]
    }
}
