using Xkd.Model.Networks;
using Xkd.Model.Optimization;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model;

/// <content>State for checkpoints.</content>
public sealed partial class XkdStep
{
    private const string ModelPrefix = "model/";
    private const string MeanPrefix = "adamw/mean/";
    private const string VariancePrefix = "adamw/variance/";

    /// <summary>
    /// Everything that a step changes, as named tensors on the model's device: parameters and centres under <c>model/NAME</c> (each once, under its first official
    /// name), AdamW's moments under <c>adamw/mean/NAME</c> and <c>adamw/variance/NAME</c>, its counts under <c>adamw/steps</c> and
    /// <c>adamw/last_layer_steps</c>. The tensors are the live ones or views of them: write them out before the next step.
    /// </summary>
    public IReadOnlyList<(string Name, Tensor Value)> ExportState()
    {
        var seen = new HashSet<nint>();
        var state = StateNames.StateDict(Model).Where(entry => seen.Add(entry.Value.Handle)).Select(entry => (ModelPrefix + entry.Name, entry.Value)).ToList();
        foreach (var slot in parameters.Slots.Where(slot => slot.Kind != SlotKind.Untrained))
        {
            state.Add((MeanPrefix + slot.Name, Moment(moments.Mean, slot)));
            state.Add((VariancePrefix + slot.Name, Moment(moments.Variance, slot)));
        }

        state.Add(("adamw/steps", moments.Steps));
        state.Add(("adamw/last_layer_steps", moments.LastLayerSteps));
        return state;
    }

    /// <summary>Restores what <see cref="ExportState"/> gave, bit for bit.</summary>
    /// <exception cref="FailureException">A tensor is missing, unknown or of another shape: the state belongs to another configuration.</exception>
    public void ImportState(IReadOnlyDictionary<string, Tensor> state) =>
        ImportState(state.ToDictionary(entry => entry.Key, entry => entry.Value.shape, StringComparer.Ordinal), (name, value) => value.copy_(state[name]));

    /// <summary>As the other, tensor by tensor: <paramref name="read"/> fills the live one of a name, so that no second copy of all is ever in memory.</summary>
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

    private static Tensor Moment(Tensor buffer, FlatSlot slot) => buffer.narrow(0, slot.Offset, slot.Length).view(slot.Parameter.shape);
}
