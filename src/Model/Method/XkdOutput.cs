using TorchSharp;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>A named scalar of a forward pass, on the device.</summary>
/// <param name="Name">What it is called in metrics, logs and charts.</param>
/// <param name="Value">float32, or float64 where it is computed in double precision.</param>
/// <param name="Weight">Its share of the loss; null for what is only watched.</param>
public sealed record Term(string Name, Tensor Value, double? Weight);

/// <summary>What the four branches contribute to the cross-modal terms.</summary>
public sealed record BranchOutputs(BranchOutput VideoStudent, BranchOutput AudioStudent, BranchOutput VideoTeacher, BranchOutput AudioTeacher);

/// <summary>What a forward pass gives. A term of weight 0 is not among the terms.</summary>
/// <param name="Terms">In the order of the computation: those of the loss, then those that are only watched.</param>
/// <param name="Loss">What is minimised: the weighted mean of the terms, float32.</param>
/// <param name="Branches">Null where no cross-modal term has a weight.</param>
public sealed record XkdOutput(IReadOnlyList<Term> Terms, Tensor Loss, BranchOutputs? Branches);

/// <summary>Collects the terms of one forward pass.</summary>
internal sealed class TermList
{
    private readonly List<Term> _loss = [], _watched = [];

    /// <summary>A term of the loss; null is one that was not computed.</summary>
    public void Add(string name, double weight, Tensor? value)
    {
        if (value is not null)
        {
            _loss.Add(new Term(name, value, weight));
        }
    }

    /// <summary>Scalars that are recorded and have no part in the loss.</summary>
    public void Watch(params ReadOnlySpan<(string Name, Tensor Value)> values)
    {
        foreach (var (name, value) in values)
        {
            _watched.Add(new Term(name, value.detach(), null));
        }
    }

    /// <summary>The weighted mean of the terms, with all that is kept of the pass moved out of its scope.</summary>
    public XkdOutput Output(DisposeScope scope, BranchOutputs? branches)
    {
        var weighted = _loss.Where(term => term.Weight > 0).ToList();
        var sum = weighted.Select(term => term.Value.to(ScalarType.Float32).Mul(term.Weight!.Value)).Aggregate((total, term) => total.Add(term));
        var loss = scope.MoveToOuter(sum.Div(weighted.Sum(term => term.Weight!.Value)));
        foreach (var tensor in _loss.Concat(_watched).Select(term => term.Value).Concat(Tensors(branches)))
        {
            scope.MoveToOuter(tensor);
        }

        return new XkdOutput([.. _loss, .. _watched], loss, branches);
    }

    private static IEnumerable<Tensor> Tensors(BranchOutputs? b) =>
        b is null ? [] : new[] { b.VideoStudent, b.AudioStudent, b.VideoTeacher, b.AudioTeacher }.SelectMany(branch => new[] { branch.Features, branch.Logits });
}
