using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>The update as whole-buffer operations of libtorch, wherever the buffers are: it never waits for the device.</summary>
internal sealed class DeviceUpdate : IParameterUpdate
{
    private readonly FlatKernels kernels = new();
    private readonly FlatParameters parameters;
    private readonly FlatTeachers? teachers;
    private readonly AdamWState state;
    private readonly OptimSection options;
    private readonly GradientClip[] clips;
    private readonly Tensor limit;

    public DeviceUpdate(FlatParameters parameters, AdamWState state, FlatTeachers? teachers, OptimSection options)
    {
        (this.parameters, this.state, this.teachers, this.options) = (parameters, state, teachers, options);
        clips = [.. parameters.Clipped(options).Select(range => new GradientClip(parameters, range, kernels))];
        limit = tensor((float)options.ClipGrad, device: parameters.Values.device).DetachFromDisposeScope();
    }

    public Tensor Apply(in StepSchedule schedule, IStepObserver? observer)
    {
        using var unrecorded = no_grad();
        var norm = Clip(observer); // [2]
        state.Advance(schedule.FreezeLastLayer);
        foreach (var segment in parameters.Segments)
        {
            if (!(segment.LastLayer && schedule.FreezeLastLayer))
            {
                var (steps, decay) = (segment.LastLayer ? state.LastLayerSteps : state.Steps, segment.Decayed ? schedule.WeightDecay : 0);
                kernels.AdamW(
                    parameters.Values, parameters.Gradients, state.Mean, state.Variance, segment.Range, steps,
                    schedule.LearningRate, options.Betas, options.Eps, decay);
            }
        }

        teachers?.Follow(schedule);
        parameters.Gradients.zero_();
        return norm;
    }

    public Tensor Clip(IStepObserver? observer)
    {
        using var unrecorded = no_grad();
        var norm = parameters.Gradients.norm(); // []
        using var cut = zeros([], device: norm.device);
        foreach (var range in clips)
        {
            using var norms = range.Apply(options.ClipGrad);
            using var over = norms.gt(limit).sum();
            cut.AddInPlace(over);
            observer?.Visited(range.Slots, norms);
        }

        observer?.Clipped();
        return stack([norm, cut.Div(Math.Max(1, clips.Sum(range => range.Slots.Count)))]); // [2]
    }

    public void Dispose()
    {
        foreach (var range in clips)
        {
            range.Dispose();
        }

        limit.Dispose();
        kernels.Dispose();
    }
}

/// <summary>Native kernels that TorchSharp has no method for, reached through TorchScript; they run on the CPU and on CUDA alike.</summary>
internal sealed class FlatKernels : IDisposable
{
    private const string Source = """
        def adamw(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], steps: List[Tensor], lr: float, beta1: float, beta2: float, decay: float, eps: float) -> Tensor:
            torch._fused_adamw_(p, g, m, v, [], steps, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False)
            return p[0]

        def segment_sums(rows: Tensor, lengths: Tensor) -> Tensor:
            return torch.segment_reduce(rows, "sum", lengths=lengths, unsafe=True)

        """; // TorchScript's parser wants the last line ended

    private readonly jit.CompilationUnit unit = jit.compile(Source);

    // The lists come from outside: of lists built in the script, TorchScript's optimizer takes the in-place update for dead code and drops it.

    /// <summary>
    /// One AdamW update of a range of flat buffers in a single pass; <paramref name="step"/> is a scalar tensor that counts this update already.
    /// </summary>
    public void AdamW(
        Tensor values, Tensor gradients, Tensor mean, Tensor variance, FlatRange range, Tensor step, double learningRate, double[] betas, double eps,
        double decay)
    {
        using var scope = NewDisposeScope();
        Tensor[] Of(Tensor buffer) => [buffer.narrow(0, range.Offset, range.Length)];
        using var scalars = new HeldScalars(learningRate, betas[0], betas[1], decay, eps);
        using var updated = (Tensor)unit.invoke(
            "adamw", [Of(values), Of(gradients), Of(mean), Of(variance), new[] { step }, .. scalars.Values]);
    }

    /// <summary>Sums of consecutive runs of [rows], of the given lengths: [segments]. Its order of summation is fixed on every device.</summary>
    public Tensor SegmentSums(Tensor rows, Tensor lengths) => (Tensor)unit.invoke("segment_sums", rows, lengths);

    public void Dispose() => unit.Dispose();
}

/// <summary>
/// Clipping per parameter: each gradient is scaled by clip / (norm + 1e-6) where that is below 1 (reference behaviour). It works on a whole range at once
/// and never waits for the device: rows of <see cref="FlatParameters.RowLength"/> values are reduced, then the rows of each parameter.
/// </summary>
internal sealed class GradientClip : IDisposable
{
    private const double Eps = 1e-6;

    private readonly FlatKernels kernels;
    private readonly Tensor rows;
    private readonly Tensor lengths;
    private readonly Tensor parameterOfRow;

    public GradientClip(FlatParameters parameters, FlatRange range, FlatKernels kernels)
    {
        this.kernels = kernels;
        Slots = parameters.Slots.Where(slot => range.Holds(slot.Offset)).ToList();
        using var scope = NewDisposeScope();
        var device = parameters.Values.device;
        rows = parameters.Gradients.narrow(0, range.Offset, range.Length).view(-1, FlatParameters.RowLength).DetachFromDisposeScope(); // [R, 64]
        lengths = tensor(Slots.Select(slot => slot.Rows).ToArray(), device: device).DetachFromDisposeScope(); // [P]
        parameterOfRow = ScalarMath.Indices(Slots.Count, device).repeat_interleave(lengths).DetachFromDisposeScope(); // [R]
    }

    /// <summary>The parameters of the range, in the order of the norms.</summary>
    public IReadOnlyList<FlatSlot> Slots { get; }

    /// <summary>Scales the gradients of the range in place; gives their norms before [P], on the device.</summary>
    public Tensor Apply(double clip)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var norms = kernels.SegmentSums(rows.norm(1, keepdim: false, p: 2).Square(), lengths).sqrt(); // [R] -> [P]
        var coefficients = norms.Add(Eps).RDiv(clip).ClampMax(1); // [P]
        rows.mul_(coefficients.index_select(0, parameterOfRow).unsqueeze(1)); // [R, 1]
        return scope.MoveToOuter(norms);
    }

    public void Dispose()
    {
        rows.Dispose();
        lengths.Dispose();
        parameterOfRow.Dispose();
    }
}
