using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Stands in for the Hessians <c>I + 2C Σ x x'</c> of all classes: of all rows that are fitted on, weighted by the share of them that is within a class's margin.
/// One eigendecomposition serves every C and share. Features of different size and correlated ones then cost no more steps than others, whatever C is.
/// </summary>
internal sealed class SvmPreconditioner : IDisposable
{
    // Features that are taken together; what lies between such groups is left to the conjugate gradients.
    private const int MostTogether = 2048;
    private readonly List<(int First, Tensor Values, Tensor Vectors)> _groups = [];

    public SvmPreconditioner(SvmRows rows, SvmTargets targets, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        var groups = (rows.Length + MostTogether - 1) / MostTogether;
        var firsts = Enumerable.Range(0, groups + 1).Select(g => rows.Length * g / groups).ToArray();
        var products = Enumerable.Range(0, groups).Select(g => zeros([firsts[g + 1] - firsts[g], firsts[g + 1] - firsts[g]], ScalarType.Float64)).ToArray();
        rows.ForEach((first, x) =>
        {
            var used = x * targets.Weights(first, (int)x.shape[0]); // [rows, length], zero where a row is not fitted on
            LargestRow = Math.Max(LargestRow, Math.Sqrt(used.Square().sum(1L).max().item<double>()));
            for (var g = 0; g < groups; g++)
            {
                var part = used.narrow(1, firsts[g], firsts[g + 1] - firsts[g]);
                products[g].AddInPlace(part.t().mm(part));
            }
        }, stop);

        // Where rows are fewer than features, conjugate gradients end after as many steps as there are rows, and each step is short.
        for (var g = 0; g < groups && targets.UsedRows >= rows.Length; g++)
        {
            var (values, vectors) = linalg.eigh(products[g]); // [n], [n, n] by column
            _groups.Add((firsts[g], values.ClampMin(0).unsqueeze(1).DetachFromDisposeScope(), vectors.DetachFromDisposeScope()));
        }
    }

    /// <summary>Length of the longest row.</summary>
    public double LargestRow { get; private set; }

    /// <summary>Solves M x = b for every column.</summary>
    /// <param name="b">[length, classes].</param>
    /// <param name="weights">2C times the share of rows within the margin, [1, classes].</param>
    public Tensor Solve(Tensor b, Tensor weights)
    {
        if (_groups.Count == 0)
        {
            return b;
        }

        using var scope = NewDisposeScope();
        var solved = _groups.Select(group =>
        {
            var along = group.Vectors.t().mm(b.narrow(0, group.First, group.Vectors.shape[0])); // [n, classes]
            return group.Vectors.mm(along / (group.Values * weights).Add(1));
        }).ToArray();
        return cat(solved, 0).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var (_, values, vectors) in _groups)
        {
            values.Dispose();
            vectors.Dispose();
        }
    }
}
