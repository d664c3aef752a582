using Xkd.Model.Native;
using Xkd.Model.Objectives;
using Xkd.Model.Optimization;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model;

/// <content>The phases of a step.</content>
public sealed partial class XkdStep
{
    /// <summary>Forward, backward and clip, without changing any parameter.</summary>
    internal XkdLosses Differentiate(IReadOnlyList<XkdInput> microBatches, in KdTemperatures temperatures)
    {
        using var scope = NewDisposeScope();
        var terms = Backward(microBatches, temperatures); // [10]
        Options.Exchange?.SumGradients(parameters.Gradients);
        Model.MoveCenters(Options.Exchange);
        var gradientNorm = parameters.Gradients.norm().unsqueeze(0); // [1]
        Observer?.Differentiated();
        Clip();
        return new XkdLosses(cat([terms, gradientNorm]).DetachFromDisposeScope()); // [11]
    }

    // Fresh gradients of the mean over the micro-batches, divided by the number of ranks; gives the mean terms [10]. The centres stay until all are through.
    private Tensor Backward(IReadOnlyList<XkdInput> microBatches, in KdTemperatures temperatures)
    {
        parameters.Gradients.zero_();
        Model.HoldCenters();
        var parts = microBatches.Count * (Options.Exchange?.Ranks ?? 1);
        Tensor? total = null;
        foreach (var input in microBatches)
        {
            using var scope = NewDisposeScope();
            var terms = Forward(input, temperatures);
            Observer?.Forwarded(terms);
            (parts == 1 ? terms.Loss : terms.Loss.Over(parts)).backward();
            using var unrecorded = no_grad();
            var packed = Pack(terms).Over(microBatches.Count);
            total = scope.MoveToOuter(total is null ? packed : total + packed);
        }

        return total ?? throw new ArgumentException("a step needs at least one batch", nameof(microBatches));
    }

    private XkdTerms Forward(XkdInput input, in KdTemperatures temperatures)
    {
        using var casting = Model.Casting?.Enter(); // backward follows the dtypes that forward recorded, outside of it
        return Model.forward(input, temperatures);
    }

    private static Tensor Pack(XkdTerms terms) => stack(new[]
    {
        terms.Loss, terms.ReconVideo, terms.ReconAudio, terms.KdV2A, terms.KdA2V, terms.AlignStudent.Loss, terms.AlignTeacher.Loss,
        terms.AlignStudent.Kxx, terms.AlignStudent.Kyy, terms.AlignStudent.Kxy,
    }.Select(term => term.detach().to(ScalarType.Float32)).ToArray()); // [10]

    private void Clip()
    {
        foreach (var clip in clips)
        {
            using var norms = clip.Apply(Options.GradientClip);
            Observer?.Visited(clip.Slots, norms);
        }

        Observer?.Clipped();
    }

    private void Follow(in StepSchedule schedule) => (teachers ?? throw new UsageException(
        $"teachers follow students of their own size, but teacher is {Model.Options.Teacher} and student {Model.Options.Student}; make them equal"))
        .Follow(schedule.VideoEma, schedule.AudioEma);
}
