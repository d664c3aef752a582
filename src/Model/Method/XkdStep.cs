using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>What one optimizer step exchanges with the other ranks of a run.</summary>
public interface IStepExchange
{
    int Ranks { get; }

    /// <summary>Adds up the flat gradients [total] over the ranks, in place.</summary>
    void SumGradients(Tensor gradients);

    /// <summary>The mean over ranks, in place.</summary>
    void Average(Tensor values);

    /// <summary>All ranks' rows [ranks · n, D] of which this one's [n, D] carry gradients, or only the own ones.</summary>
    Tensor Rows(Tensor own);
}

/// <summary>Watches a step from within: what the numbers between its phases are checked through.</summary>
internal interface IStepObserver
{
    /// <summary>A micro-batch went through the model; its terms live until backward is done.</summary>
    void Forwarded(XkdOutput output)
    {
    }

    /// <summary>Gradients are complete and not clipped yet.</summary>
    void Differentiated()
    {
    }

    /// <summary>A range was clipped; <paramref name="norms"/> [P] are those the clipping saw.</summary>
    void Visited(IReadOnlyList<FlatSlot> slots, Tensor norms)
    {
    }

    /// <summary>All clipping is done.</summary>
    void Clipped()
    {
    }
}

/// <summary>
/// One optimizer step: forward, backward, clip, AdamW, moving averages, in the reference's order. From construction on, the model's parameters are views of
/// this step's flat buffers, and the model must stay on its device. Not thread-safe.
/// </summary>
public sealed class XkdStep : IDisposable
{
    private const string ModelPrefix = "model/";
    private const string MeanPrefix = "adamw/mean/";
    private const string VariancePrefix = "adamw/variance/";

    private readonly Autocast? _autocast;
    private readonly IStepExchange? _exchange;
    private readonly FlatParameters _parameters;
    private readonly FlatTeachers? _teachers;
    private readonly AdamWState _moments;
    private readonly IParameterUpdate _update;
    private readonly LowWeights? _low;
    private bool _gradientsAreZero = true;

    /// <summary>Takes the model's parameters over.</summary>
    /// <param name="model">Its configuration says how a step is done.</param>
    /// <param name="exchange">With the other ranks; null for a process by itself.</param>
    public XkdStep(XkdModel model, IStepExchange? exchange = null)
        : this(model, exchange, fused: model.Device.type == TorchSharp.DeviceType.CPU)
    {
    }

    /// <param name="model">Its parameters are taken over.</param>
    /// <param name="exchange">With the other ranks.</param>
    /// <param name="fused">Clip, AdamW and moving averages in one pass over host memory; otherwise as operations of libtorch.</param>
    internal XkdStep(XkdModel model, IStepExchange? exchange, bool fused)
    {
        (Model, _exchange) = (model, exchange);
        var optim = model.Config.Optim;
        _autocast = Lowers(model.Config, model.Device) ? new Autocast(model.Device.type) : null;
        _parameters = new FlatParameters(model);
        _teachers = model.Teacher == model.Config.Model.Encoder ? new FlatTeachers(model, _parameters, optim.SharedTeacherEma) : null;
        _moments = new AdamWState(_parameters);
        _low = _autocast is null ? null : new LowWeights(model, [_parameters.Values, .. _teachers?.Buffers ?? []]);
        _update = fused ? new HostUpdate(_parameters, _moments, _teachers, optim) : new DeviceUpdate(_parameters, _moments, _teachers, optim);
    }

    public XkdModel Model { get; }

    /// <summary>Whether a configuration's products are computed in bfloat16 on a device.</summary>
    internal static bool Lowers(PretrainConfig config, Device device) => config.Train.Precision is Precision.Bfloat16
        || (config.Train.Precision is Precision.Auto && device.type != TorchSharp.DeviceType.CPU);

    /// <summary>Trained values, shared ones counted once, padding not counted.</summary>
    public long TrainableCount => _parameters.Slots.Where(slot => slot.Kind != SlotKind.Untrained).Sum(slot => slot.Length);

    /// <summary>Trained parameters under weight decay, in the official order: matrices, and also tokens and position tables (reference behaviour).</summary>
    public IEnumerable<string> DecayedParameters => _parameters.Named.Where(entry => FlatParameters.IsDecayed(entry.Name, entry.Value)).Select(entry => entry.Name);

    /// <summary>Trained parameters without weight decay, in the official order: biases and one-dimensional ones.</summary>
    public IEnumerable<string> UndecayedParameters => _parameters.Named.Where(entry => !FlatParameters.IsDecayed(entry.Name, entry.Value)).Select(entry => entry.Name);

    /// <summary>What the matrix products of forward and backward are computed in.</summary>
    public ScalarType ProductType => _autocast is null ? ScalarType.Float32 : ScalarType.BFloat16;

    internal IStepObserver? Observer { get; set; }

    /// <summary>One step over one batch. The scalars stay on the device; dispose them.</summary>
    /// <exception cref="UsageException">Shapes that do not fit the model, or teachers of another size than the students.</exception>
    public StepScalars Run(XkdInput input, in StepSchedule schedule) => Run([input], schedule);

    /// <summary>
    /// One step over several micro-batches whose gradients are averaged. Alignment sees one micro-batch at a time, as each GPU of the published run saw its own
    /// 32 clips; the centres move once, by the mean over all of them and over all ranks. All else is as with one large batch.
    /// </summary>
    public StepScalars Run(IReadOnlyList<XkdInput> microBatches, in StepSchedule schedule)
    {
        if (_teachers is null)
        {
            throw new UsageException($"teachers follow students of their own size, but teacher is {Model.Teacher} and student {Model.Config.Model.Encoder}; make them equal");
        }

        using var scope = NewDisposeScope();
        var (names, learned, values) = Backward(microBatches, schedule.Temperatures);
        var gradients = _update.Apply(schedule, Observer); // [2]
        _gradientsAreZero = true;
        return new StepScalars(names, learned, values, gradients);
    }

    /// <summary>Forward, backward and clip, without changing any parameter.</summary>
    internal StepScalars Differentiate(IReadOnlyList<XkdInput> microBatches, in KdTemperatures temperatures)
    {
        using var scope = NewDisposeScope();
        var (names, learned, values) = Backward(microBatches, temperatures);
        return new StepScalars(names, learned, values, _update.Clip(Observer));
    }

    // Fresh gradients of the mean over the micro-batches and all ranks, and centres moved; gives this rank's mean scalars [S], their names, and how many are of the loss.
    private (IReadOnlyList<string> Names, int Learned, Tensor Values) Backward(IReadOnlyList<XkdInput> microBatches, in KdTemperatures temperatures)
    {
        if (!_gradientsAreZero)
        {
            _parameters.Gradients.zero_();
        }

        _gradientsAreZero = false;
        _low?.Refresh();
        Term[] terms = [];
        var parts = microBatches.Count * (_exchange?.Ranks ?? 1);
        Tensor? scalars = null, teacherMeans = null;
        foreach (var input in microBatches)
        {
            using var scope = NewDisposeScope();
            var output = Forward(input, temperatures);
            Observer?.Forwarded(output);
            (parts == 1 ? output.Loss : output.Loss.Div(parts)).backward();
            KernelNode.ThrowIfFailed();
            using var unrecorded = no_grad();
            terms = [.. output.Terms.Where(term => term.Weight is not null), new Term("loss", output.Loss, 1), .. output.Terms.Where(term => term.Weight is null)];
            scalars = Sum(scope, scalars, stack([.. terms.Select(term => term.Value.detach().to(ScalarType.Float32))])); // [S]
            if (output.Branches is { } branches)
            {
                teacherMeans = Sum(scope, teacherMeans, stack([CenteredCrossEntropy.TeacherMean(branches.VideoTeacher.Logits), CenteredCrossEntropy.TeacherMean(branches.AudioTeacher.Logits)]));
            }
        }

        _exchange?.SumGradients(_parameters.Gradients);
        MoveCenters(teacherMeans, microBatches.Count);
        Observer?.Differentiated();
        return ([.. terms.Select(term => term.Name)], terms.Count(term => term.Weight is not null),
            scalars?.Div(microBatches.Count) ?? throw new ArgumentException("a step needs at least one batch", nameof(microBatches)));
    }

    private XkdOutput Forward(XkdInput input, in KdTemperatures temperatures)
    {
        using var casting = _autocast?.Enter(); // backward follows the dtypes that forward recorded, outside of it
        return Model.forward(input, temperatures, _exchange is null ? null : _exchange.Rows);
    }

    // By the mean over the micro-batches and over all ranks; no sum is there where the cross-modal terms are left out, on all ranks alike.
    private void MoveCenters(Tensor? sum, int count)
    {
        if (sum is null)
        {
            return;
        }

        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var means = count == 1 ? sum.alias() : sum.Div(count); // [2, 1, K]
        _exchange?.Average(means);
        Model.MoveCenters(means);
    }

    private static Tensor Sum(TorchSharp.DisposeScope scope, Tensor? sum, Tensor next) => scope.MoveToOuter(sum?.Add(next) ?? next);

    /// <summary>
    /// Everything that a step changes, as named tensors on the model's device: parameters and centres under <c>model/NAME</c> (each once, under its first official
    /// name), AdamW's moments under <c>adamw/mean/NAME</c> and <c>adamw/variance/NAME</c>, its counts under <c>adamw/steps</c> and
    /// <c>adamw/last_layer_steps</c>. The tensors are the live ones or views of them: write them out before the next step.
    /// </summary>
    public IReadOnlyList<(string Name, Tensor Value)> ExportState()
    {
        var seen = new HashSet<nint>();
        var state = StateNames.StateDict(Model).Where(entry => seen.Add(entry.Value.Handle)).Select(entry => (ModelPrefix + entry.Name, entry.Value)).ToList();
        foreach (var slot in _parameters.Slots.Where(slot => slot.Kind != SlotKind.Untrained))
        {
            state.Add((MeanPrefix + slot.Name, Moment(_moments.Mean, slot)));
            state.Add((VariancePrefix + slot.Name, Moment(_moments.Variance, slot)));
        }

        state.Add(("adamw/steps", _moments.Steps));
        state.Add(("adamw/last_layer_steps", _moments.LastLayerSteps));
        return state;
    }

    /// <summary>Restores what <see cref="ExportState"/> gave, bit for bit, tensor by tensor, so that no second copy of all is ever in memory.</summary>
    /// <param name="shapes">Shape of every tensor there is.</param>
    /// <param name="read">Sets the tensor to the value of the name; called once each, after all names and shapes were found to fit.</param>
    /// <exception cref="FailureException">A tensor is missing, unknown or of another shape: the state belongs to another configuration.</exception>
    public void ImportState(IReadOnlyDictionary<string, long[]> shapes, Action<string, Tensor> read)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var own = ExportState();
        var missing = own.Select(entry => entry.Name).Where(name => !shapes.ContainsKey(name)).Take(1).Select(name => $"{name} is missing");
        var unknown = shapes.Keys.Except(own.Select(entry => entry.Name), StringComparer.Ordinal).Take(1).Select(name => $"{name} is not part of this model");
        var misshapen = own.Where(entry => shapes.TryGetValue(entry.Name, out var shape) && !shape.AsSpan().SequenceEqual(entry.Value.shape)).Take(1)
            .Select(entry => $"{entry.Name} is [{string.Join(", ", shapes[entry.Name])}], the model's is [{string.Join(", ", entry.Value.shape)}]");
        if (missing.Concat(unknown).Concat(misshapen).FirstOrDefault() is string problem)
        {
            throw new FailureException($"checkpoint state does not fit the model: {problem}; resume with the configuration the run was started with");
        }

        foreach (var (name, value) in own)
        {
            read(name, value);
        }
    }

    public void Dispose()
    {
        _low?.Dispose();
        _update.Dispose();
        _moments.Dispose();
        _teachers?.Dispose();
        _parameters.Dispose();
    }

    private static Tensor Moment(Tensor buffer, FlatSlot slot) => buffer.narrow(0, slot.Offset, slot.Length).view(slot.Parameter.shape);
}
