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

    // Fresh gradients of the mean over the micro-batches and all ranks; gives this rank's mean terms [16]. The centres stay until all are through.
    private Tensor Backward(IReadOnlyList<XkdInput> microBatches, in KdTemperatures temperatures)
    {
        if (!gradientsAreZero)
        {
            parameters.Gradients.zero_();
        }

        gradientsAreZero = false;
        Model.HoldCenters();
        var parts = microBatches.Count * (Options.Exchange?.Ranks ?? 1);
        Tensor? total = null;
        foreach (var input in microBatches)
        {
            using var scope = NewDisposeScope();
            var terms = Forward(input, temperatures);
            Observer?.Forwarded(terms);
            var loss = parts == 1 ? terms.Loss : terms.Loss.Over(parts);
            loss.backward();
            using var unrecorded = no_grad();
            var packed = Pack(terms, temperatures).Over(microBatches.Count);
            total = scope.MoveToOuter(total is null ? packed : total + packed);
        }

        Options.Exchange?.SumGradients(parameters.Gradients);
        Model.MoveCenters(Options.Exchange);
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
