using Xkd.Model.Native;
using Xkd.Model.Optimization;
using static TorchSharp.torch;

namespace Xkd.Model;

/// <summary>
/// One optimizer step: forward, backward, clip, AdamW, moving averages, in the reference's order. From construction on, the model's parameters are views of
/// this step's flat buffers, and the model must stay on its device. Not thread-safe.
/// </summary>
public sealed partial class XkdStep : IDisposable
{
    private readonly FlatKernels kernels = new();
    private readonly FlatParameters parameters;
    private readonly FlatTeachers? teachers;
    private readonly FlatAdamW optimizer;
    private readonly GradientClip[] clips;

    /// <summary>Takes the model's parameters over.</summary>
    public XkdStep(XkdModel model, XkdStepOptions? options = null)
    {
        Model = model;
        Options = options ?? new XkdStepOptions();
        var lower = Options.Precision is Precision.Bfloat16 || (Options.Precision is Precision.Auto && model.Device.type != TorchSharp.DeviceType.CPU);
        model.Casting = lower ? new Autocast(model.Device.type) : null;
        parameters = new FlatParameters(model);
        model.Exchange = Options.Exchange;
        teachers = model.TeachersMatchStudents ? new FlatTeachers(model, parameters, Options.SharedTeacher) : null;
        optimizer = new FlatAdamW(parameters, kernels, Options.AdamW);

        // Blocks both students share are visited twice, as in the reference: the second visit scales by at most 3e-6.
        FlatRange[] clipped = Options.GradientClip <= 0 ? [] : Options.ClipDecoders
            ? [parameters.Video, parameters.Audio, parameters.Decoders]
            : [parameters.Video, parameters.Audio];
        clips = [.. clipped.Select(range => new GradientClip(parameters, range, kernels))];
    }

    public XkdModel Model { get; }

    public XkdStepOptions Options { get; }

    /// <summary>Trained values, shared ones counted once, padding not counted.</summary>
    public long TrainableCount => parameters.Slots.Where(slot => slot.Kind != SlotKind.Untrained).Sum(slot => slot.Length);

    /// <summary>Trained parameters under weight decay, in the official order: matrices, and also tokens and position tables (reference behaviour).</summary>
    public IEnumerable<string> DecayedParameters => parameters.Named.Where(entry => FlatParameters.IsDecayed(entry.Name, entry.Value)).Select(entry => entry.Name);

    /// <summary>Trained parameters without weight decay, in the official order: biases and one-dimensional ones.</summary>
    public IEnumerable<string> UndecayedParameters => parameters.Named.Where(entry => !FlatParameters.IsDecayed(entry.Name, entry.Value)).Select(entry => entry.Name);

    internal IStepObserver? Observer { get; set; }

    /// <summary>One step over one batch. The losses stay on the device; dispose them.</summary>
    /// <exception cref="Xkd.Storage.UsageException">Shapes that do not fit the model, or teachers of another size than the students.</exception>
    public XkdLosses Run(XkdInput input, in StepSchedule schedule) => Run([input], schedule);

    /// <summary>
    /// One step over several micro-batches whose gradients are averaged. Alignment sees one micro-batch at a time, as each GPU of the published run saw its own
    /// 32 clips; the centres move once, by the mean over all of them and over all ranks. All else is as with one large batch.
    /// </summary>
    public XkdLosses Run(IReadOnlyList<XkdInput> microBatches, in StepSchedule schedule)
    {
        using var scope = NewDisposeScope();
        var losses = Differentiate(microBatches, schedule.Temperatures);
        optimizer.Step(schedule.LearningRate, schedule.WeightDecay, schedule.FreezeLastLayer);
        Follow(schedule);
        return losses;
    }

    public void Dispose()
    {
        foreach (var clip in clips)
        {
            clip.Dispose();
        }

        optimizer.Dispose();
        teachers?.Dispose();
        parameters.Dispose();
        kernels.Dispose();
    }
}
