using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>The scalars of one step, packed in one tensor on the device: keep them there and read the host copy once per log interval. Dispose when read.</summary>
public sealed class StepScalars : IDisposable
{
    /// <summary>Name of the norm of all trained parameters' gradients together, before clipping.</summary>
    public const string GradNorm = "grad_norm";

    internal StepScalars(IReadOnlyList<string> names, Tensor values, Tensor gradientNorm) =>
        (Names, Packed) = ([.. names, GradNorm], cat([values, gradientNorm]).DetachFromDisposeScope());

    /// <summary>Names of the values, in the order of the computation: the terms, <c>loss</c>, <c>grad_norm</c>.</summary>
    public IReadOnlyList<string> Names { get; }

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

    /// <summary>Name of the first value, in the order of the computation, that is not finite; null when all are.</summary>
    public static string? FirstNonFinite(IReadOnlyDictionary<string, double> values) => values.Where(value => !double.IsFinite(value.Value)).Select(value => value.Key).FirstOrDefault();

    public void Dispose() => Packed.Dispose();
}
