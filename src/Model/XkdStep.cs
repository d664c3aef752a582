using Xkd.Model.Native;
using Xkd.Model.Optimization;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model;

/// <summary>
/// One optimizer step: forward, backward, clip, AdamW, moving averages, in the reference's order. From construction on, the model's parameters are views of
/// this step's flat buffers, and the model must stay on its device. Not thread-safe.
/// </summary>
public sealed partial class XkdStep : IDisposable
{
    private readonly FlatParameters parameters;
    private readonly FlatTeachers? teachers;
    private readonly AdamWState moments;
    private readonly IParameterUpdate update;
    private bool gradientsAreZero = true;

    /// <summary>Takes the model's parameters over.</summary>
    public XkdStep(XkdModel model, XkdStepOptions? options = null)
        : this(model, options, fused: model.Device.type == TorchSharp.DeviceType.CPU)
    {
    }

    /// <param name="model">Its parameters are taken over.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="fused">Clip, AdamW and moving averages in one pass over host memory; otherwise as operations of libtorch.</param>
    internal XkdStep(XkdModel model, XkdStepOptions? options, bool fused)
    {
        Model = model;
        Options = options ?? new XkdStepOptions();
        var lower = Options.Precision is Precision.Bfloat16 || (Options.Precision is Precision.Auto && model.Device.type != TorchSharp.DeviceType.CPU);
        model.Casting = lower ? new Autocast(model.Device.type) : null;
        parameters = new FlatParameters(model);
        model.Exchange = Options.Exchange;
        teachers = model.TeachersMatchStudents ? new FlatTeachers(model, parameters, Options.SharedTeacher) : null;
        moments = new AdamWState(parameters);
        update = fused ? new HostUpdate(parameters, moments, teachers, Options) : new DeviceUpdate(parameters, moments, teachers, Options);
    }

    public XkdModel Model { get; }

    public XkdStepOptions Options { get; }

    /// <summary>Trained values, shared ones counted once, padding not counted.</summary>
    public long TrainableCount => parameters.Slots.Where(slot => slot.Kind != SlotKind.Untrained).Sum(slot => slot.Length);

    /// <summary>Trained parameters under weight decay, in the official order: matrices, and also tokens and position tables (reference behaviour).</summary>
    public IEnumerable<string> DecayedParameters => parameters.Named.Where(entry => FlatParameters.IsDecayed(entry.Name, entry.Value)).Select(entry => entry.Name);

    /// <summary>Trained parameters without weight decay, in the official order: biases and one-dimensional ones.</summary>
    public IEnumerable<string> UndecayedParameters => parameters.Named.Where(entry => !FlatParameters.IsDecayed(entry.Name, entry.Value)).Select(entry => entry.Name);

    /// <summary>What the matrix products of forward and backward are computed in.</summary>
    public ScalarType ProductType => Model.Casting is null ? ScalarType.Float32 : ScalarType.BFloat16;

    internal IStepObserver? Observer { get; set; }

    /// <summary>One step over one batch. The losses stay on the device; dispose them.</summary>
    /// <exception cref="UsageException">Shapes that do not fit the model, or teachers of another size than the students.</exception>
    public XkdLosses Run(XkdInput input, in StepSchedule schedule) => Run([input], schedule);

    /// <summary>
    /// One step over several micro-batches whose gradients are averaged. Alignment sees one micro-batch at a time, as each GPU of the published run saw its own
    /// 32 clips; the centres move once, by the mean over all of them and over all ranks. All else is as with one large batch.
    /// </summary>
    public XkdLosses Run(IReadOnlyList<XkdInput> microBatches, in StepSchedule schedule)
    {
        if (teachers is null)
        {
            throw new UsageException($"teachers follow students of their own size, but teacher is {Model.Options.Teacher} and student {Model.Options.Student}; make them equal");
        }

        using var scope = NewDisposeScope();
        var terms = Backward(microBatches, schedule.Temperatures); // [16]
        var gradientNorm = update.Apply(schedule, Observer); // [1]
        gradientsAreZero = true;
        return Losses(terms, gradientNorm);
    }

    public void Dispose()
    {
        update.Dispose();
        moments.Dispose();
        teachers?.Dispose();
        parameters.Dispose();
    }
}
