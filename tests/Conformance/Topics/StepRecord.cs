using Xkd.Model.Method;
using static TorchSharp.torch;

namespace Xkd.Conformance.Topics;

/// <summary>What happened inside one step.</summary>
internal sealed class StepRecord(nn.Module model) : IStepObserver
{
    private readonly List<Dictionary<string, double>> _visits = [];

    public Action<XkdOutput>? OnForward { get; init; }

    public Action? OnGradients { get; init; }

    /// <summary>Gradient norms before clipping.</summary>
    public Dictionary<string, double> Before { get; private set; } = [];

    /// <summary>Gradient norms after clipping.</summary>
    public Dictionary<string, double> After { get; private set; } = [];

    public void Forwarded(XkdOutput output) => OnForward?.Invoke(output);

    public void Differentiated()
    {
        Before = Norms();
        OnGradients?.Invoke();
    }

    public void Visited(IReadOnlyList<FlatSlot> slots, Tensor norms)
    {
        using var host = norms.cpu();
        var values = host.data<float>().ToArray();
        _visits.Add(slots.Zip(values).ToDictionary(e => e.First.Name, e => (double)e.Second, StringComparer.Ordinal));
    }

    public void Clipped() => After = Norms();

    /// <summary>Norms that clipping saw, for names in the reference's order: first all of the video student's, then all of the audio student's.</summary>
    public double[] Seen(IReadOnlyList<string> visited, IReadOnlyDictionary<string, string> aliases) => [.. visited.Select(name =>
        _visits[name.StartsWith("vid_", StringComparison.Ordinal) ? 0 : 1].GetValueOrDefault(aliases.GetValueOrDefault(name, name), double.NaN))];

    /// <summary>How many trained parameters clipping visited, those visited twice counted twice.</summary>
    public int VisitedCount(Func<string, bool> trained) => _visits.Sum(visit => visit.Keys.Count(trained));

    private Dictionary<string, double> Norms()
    {
        using var scope = NewDisposeScope();
        return GoldenTensors.GradientNorms(StateNames.Parameters(model).Where(e => e.Value.requires_grad));
    }
}
