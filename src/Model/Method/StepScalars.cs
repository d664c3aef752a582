using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>The scalars of one step, packed in one tensor on the device: keep them there and read the host copy once per log interval. Dispose when read.</summary>
public sealed class StepScalars : IDisposable
{
    /// <summary>Name of the norm of all trained parameters' gradients together, before clipping.</summary>
    public const string GradNorm = "grad_norm";

    /// <summary>Name of the share of the clipped parameters whose gradient was larger than allowed.</summary>
    public const string ClippedShare = "clipped";

    private readonly int _learned;

    /// <param name="names">Of the values, those of the loss first.</param>
    /// <param name="learned">How many are of the loss, itself included; the others are only watched.</param>
    /// <param name="values">[S - 2]</param>
    /// <param name="gradients">Their norm, and the share that was clipped [2].</param>
    internal StepScalars(IReadOnlyList<string> names, int learned, Tensor values, Tensor gradients) =>
        (Names, _learned, Packed) = ([.. names, GradNorm, ClippedShare], learned, cat([values, gradients]).DetachFromDisposeScope());

    /// <summary>Names of the values: the terms of the loss in the order of their computation, <c>loss</c>, what is only watched, <c>grad_norm</c> and <c>clipped</c>.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The names of what is learned: the loss, its terms, and the norm.</summary>
    public IReadOnlyList<string> Learned => [.. Names.Take(_learned), GradNorm];

    /// <summary>float32 [S].</summary>
    public Tensor Packed { get; }

    /// <summary>Waits for the device and reads all at once, in the order of the names.</summary>
    public IReadOnlyDictionary<string, double> Read() => Read([this])[0];

    /// <summary>Reads the scalars of many steps in one transfer, in order.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, double>> Read(IReadOnlyList<StepScalars> steps)
    {
        if (steps.Count == 0)
        {
            return [];
        }

        using var all = cat([.. steps.Select(step => step.Packed)]); // [steps · S]
        using var host = all.cpu();
        var values = host.data<float>().ToArray();
        var offset = 0;
        return [.. steps.Select(step => new OrderedDictionary<string, double>(step.Names.Select(name => KeyValuePair.Create(name, (double)values[offset++])), StringComparer.Ordinal))];
    }

    /// <summary>Name of the first value that is not finite among those of the loss, in the order of their computation, and the norm; null when all are.</summary>
    /// <param name="values">By <see cref="Names"/>.</param>
    public string? FirstNonFinite(IEnumerable<double> values) =>
        Names.Zip(values).Where(value => !double.IsFinite(value.Second)).Select(value => value.First).FirstOrDefault(Learned.Contains);

    public void Dispose() => Packed.Dispose();
}
