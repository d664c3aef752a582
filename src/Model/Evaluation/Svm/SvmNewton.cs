using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Newton's method on <c>½|w|² + C Σ max(0, 1 − y w·x)²</c> (Keerthi and DeCoste, JMLR 2005), for several classes side by side: each pass over the rows serves
/// them all as one matrix product, and those at their optimum leave. Steps are solved directly where few rows are within the margin, else by preconditioned
/// conjugate gradients.
/// </summary>
internal sealed class SvmNewton(SvmRows rows, SvmTargets targets, SvmPreconditioner preconditioner, LinearSvmOptions options, CancellationToken stop)
{
    private const double Decrease = 1e-4, Rounding = 1e-13, ProductRounding = 1e-15;
    private const int MostStalls = 4;

    // A step is solved directly where rows within the margin are fewer than features, for the preconditioner is of all rows, or where it costs no more than
    // so many of conjugate gradients.
    private const int DirectSteps = 30;
    private const long DirectBytes = 32L << 20, HeldBytes = 128L << 20;
    private int _passes;

    /// <summary>Fits classes from weights [length, classes], which become the solution.</summary>
    /// <returns>Passes over the rows of each class, and whether it is at its optimum.</returns>
    public (int Passes, bool Converged)[] Fit(int[] classes, Tensor weights)
    {
        using var scope = NewDisposeScope();
        _passes = 0;
        var found = new (int Passes, bool Converged)[classes.Length];
        var live = Enumerable.Range(0, classes.Length).ToArray();
        var (w, before) = (weights.alias(), Enumerable.Repeat((Value: double.PositiveInfinity, Norm: 0.0, Stalls: 0), live.Length).ToArray());
        var at = Evaluate(w, classes);
        while (true)
        {
            using var turn = NewDisposeScope();

            // Rounding bounds what can be asked for: that of the sum, and that of each row's slack, which is of a product of row and weights.
            var longest = preconditioner.LargestRow;
            var lengths = Values(w.Square().sum(0L).sqrt());
            var limits = lengths.Select((length, k) => Math.Max(
                options.Tolerance * length,
                longest * ((Rounding * at.Size[k]) + (2 * options.C * at.Active[k] * ProductRounding * longest * length)))).ToArray();
            var norms = Values(at.Gradient.Square().sum(0L).sqrt());
            var stalls = norms.Select((norm, k) => before[k].Value - at.Value[k] > Rounding * at.Value[k] || norm < 0.5 * before[k].Norm
                ? 0
                : before[k].Stalls + 1).ToArray();
            var open = Enumerable.Range(0, live.Length).Where(k => norms[k] > limits[k] && stalls[k] < MostStalls && _passes < options.MaxIterations).ToArray();
            foreach (var k in Enumerable.Range(0, live.Length).Except(open))
            {
                found[live[k]] = (_passes, norms[k] <= limits[k]);
                weights.select(1, live[k]).copy_(w.select(1, k));
            }

            if (open.Length == 0)
            {
                return found;
            }

            var forcing = open.Select(k => before[k].Norm > 0 ? Math.Clamp(norms[k] / before[k].Norm, 1e-4, 0.1) : 0.1).ToArray();
            (live, before) = ([.. open.Select(k => live[k])], [.. open.Select(k => (at.Value[k], norms[k], stalls[k]))]);
            var (from, here) = (Columns(w, open), at.Select(open));
            var step = zeros_like(from); // [length, classes]
            var few = Enumerable.Range(0, live.Length).ToLookup(k => here.Active[k] <= Math.Min(
                Math.Max(rows.Length, 2.0 * DirectSteps * rows.Count / rows.Length), DirectBytes / (sizeof(double) * rows.Length)));
            Solve(here, step, [.. few[true]]);
            if (few[false].ToArray() is { Length: > 0 } many)
            {
                var approach = Approach(here.Select(many), [.. many.Select(k => forcing[k])], [.. many.Select(k => 0.25 * limits[open[k]])]);
                step.index_copy_(1, Indices(many), approach);
            }

            if (_passes >= options.MaxIterations)
            {
                foreach (var (k, column) in live.Index())
                {
                    found[column] = (_passes, false);
                    weights.select(1, column).copy_(from.select(1, k));
                }

                return found;
            }

            var (next, there) = Descend(from, here, step, [.. live.Select(k => classes[k])]);
            w.Dispose();
            at.Dispose();
            (w, at) = (next.MoveToOuterDisposeScope(), there.MoveToOuterDisposeScope());
        }
    }

    /// <summary>The first point along each step that lowers the objective by enough.</summary>
    private (Tensor Weights, Point At) Descend(Tensor w, Point from, Tensor step, int[] classes)
    {
        var slopes = Values((from.Gradient * step).sum(0L));
        var lengths = Enumerable.Repeat(1.0, classes.Length).ToArray();
        while (true)
        {
            var trial = w.Add(step * tensor(lengths));
            var at = Evaluate(trial, classes);
            var ends = Values((at.Gradient * step).sum(0L));
            var far = Enumerable.Range(0, classes.Length)
                .Where(k => at.Value[k] > from.Value[k] + (Decrease * lengths[k] * slopes[k]) + (Rounding * from.Value[k])).ToArray();
            if (far.Length == 0 || _passes >= options.MaxIterations)
            {
                return (trial, at);
            }

            at.Dispose();
            trial.Dispose();
            foreach (var k in far)
            {
                // To where the slope, which grows along a convex function, would be zero were it linear.
                lengths[k] *= ends[k] > 0 ? Math.Clamp(slopes[k] / (slopes[k] - ends[k]), 0.1, 0.7) : 0.5;
            }
        }
    }

    /// <summary>Newton's steps <c>−(I + 2C A'A)⁻¹g</c> of some classes, A being the rows within the margin; in passes as their memory asks.</summary>
    private void Solve(Point at, Tensor step, int[] classes)
    {
        for (var (next, end) = (0, 0); next < classes.Length; next = end)
        {
            for (long bytes = 0; end < classes.Length && (end == next || bytes + Bytes(classes[end]) <= HeldBytes); end++)
            {
                bytes += Bytes(classes[end]);
            }

            _passes++;
            using var scope = NewDisposeScope();
            var (piece, taken) = (0, classes[next..end]);
            var parts = taken.Select(static _ => new List<Tensor>()).ToArray();
            rows.ForEach((_, x) =>
            {
                var within = at.Within[piece++];
                foreach (var (i, k) in taken.Index())
                {
                    parts[i].Add(x.index_select(0, within.select(1, k).nonzero().squeeze(1)).DetachFromDisposeScope());
                }
            }, stop);
            foreach (var (i, k) in taken.Index())
            {
                using var inner = NewDisposeScope();
                parts[i].ForEach(part => inner.Attach(part));
                step.select(1, k).copy_(Solve(cat(parts[i], 0), at.Gradient.select(1, k)));
            }
        }

        long Bytes(int k) => (long)at.Active[k] * rows.Length * sizeof(double);
    }

    // Of rows [n, length]: where they are fewer than features by (I + 2C A'A)⁻¹ = I − A'(AA' + I/2C)⁻¹A.
    private Tensor Solve(Tensor within, Tensor gradient)
    {
        if (within.shape[0] == 0)
        {
            return gradient.neg();
        }

        if (within.shape[0] > within.shape[1])
        {
            var hessian = within.t().mm(within).Mul(2 * options.C); // [length, length]
            hessian.diagonal().AddInPlace(1);
            return linalg.solve(hessian, gradient).neg();
        }

        var products = within.mm(within.t()); // [n, n]
        products.diagonal().AddInPlace(0.5 / options.C);
        return within.t().mv(linalg.solve(products, within.mv(gradient))) - gradient;
    }

    /// <summary>Newton's steps by preconditioned conjugate gradients, to a share of where they began or to as much as the optimum asks for.</summary>
    private Tensor Approach(Point at, double[] forcing, double[] enough)
    {
        using var scope = NewDisposeScope();
        var shares = tensor([.. at.Active.Select(active => 2 * options.C * active / targets.UsedRows)]).unsqueeze(0); // [1, classes]
        var residual = at.Gradient.neg(); // [length, classes], as all that follow
        var solved = preconditioner.Solve(residual, shares);
        Tensor step = zeros_like(residual), direction = solved.alias();
        var squares = Values((residual * solved).sum(0L));
        var start = squares;
        var open = squares.Select(square => square > 0).ToArray();
        while (open.Contains(true) && _passes < options.MaxIterations)
        {
            using var inner = NewDisposeScope();
            var product = Product(at, direction);
            var curvatures = Values((direction * product).sum(0L));
            var along = tensor([.. squares.Select((square, k) => open[k] ? square / curvatures[k] : 0)]);
            step.AddInPlace(direction * along);
            residual.sub_(product * along);
            solved = preconditioner.Solve(residual, shares);
            var (next, norms) = (Values((residual * solved).sum(0L)), Values(residual.Square().sum(0L)));
            open = [.. open.Select((was, k) => was && next[k] > forcing[k] * forcing[k] * start[k] && norms[k] > enough[k] * enough[k])];
            var turn = tensor([.. next.Select((square, k) => open[k] ? square / squares[k] : 0)]);
            var turned = (direction * turn).Add(solved);
            direction.Dispose();
            direction = turned.MoveToOuterDisposeScope();
            squares = next;
        }

        return step.MoveToOuterDisposeScope();
    }

    private Point Evaluate(Tensor w, int[] classes)
    {
        _passes++;
        using var scope = NewDisposeScope();
        var gradient = w.clone(); // [length, classes]
        Tensor loss = zeros([classes.Length], ScalarType.Float64), size = zeros_like(loss), active = zeros_like(loss);
        List<Tensor> within = [];
        rows.ForEach((first, x) =>
        {
            var signs = targets.Signs(first, (int)x.shape[0], classes); // [rows, classes]
            var slack = (signs * x.mm(w)).RSub(1).relu_().mul_(signs.abs());
            var pull = slack.Mul(2 * options.C);
            gradient.sub_(x.t().mm(signs * pull));
            loss.AddInPlace(slack.Square().sum(0L));
            size.AddInPlace(pull.sum(0L));
            var margin = slack.sign(); // 1 within the margin, else 0
            active.AddInPlace(margin.sum(0L));
            within.Add(margin.to(ScalarType.Byte).DetachFromDisposeScope());
        }, stop);
        within.ForEach(mask => scope.Attach(mask));
        var value = w.Square().sum(0L).Mul(0.5).Add(loss.Mul(options.C));
        return new Point(Values(value), gradient, Values(size), Values(active), within).MoveToOuterDisposeScope();
    }

    private Tensor Product(Point at, Tensor direction)
    {
        _passes++;
        using var scope = NewDisposeScope();
        var product = direction.clone();
        var piece = 0;
        rows.ForEach((_, x) => product.AddInPlace(x.t().mm(x.mm(direction).mul_(at.Within[piece++]).Mul(2 * options.C))), stop);
        return product.MoveToOuterDisposeScope();
    }

    private static Tensor Columns(Tensor all, int[] columns) =>
        columns.Length == all.shape[1] ? all : all.index_select(1, Indices(columns));

    private static Tensor Indices(int[] columns) => tensor(Array.ConvertAll(columns, static column => (long)column));

    private static double[] Values(Tensor numbers) => numbers.contiguous().data<double>().ToArray();

    /// <summary>What one pass tells at the weights of each class.</summary>
    /// <param name="Value">The objective.</param>
    /// <param name="Gradient">Its gradient, [length, classes].</param>
    /// <param name="Size">Sum of the sizes of what the gradient's sum over rows is made of: what its rounding is relative to.</param>
    /// <param name="Active">Number of rows within the margin: the Hessian is made of those.</param>
    /// <param name="Within">1 for these rows, else 0: uint8 [rows, classes] of each piece.</param>
    private sealed record Point(double[] Value, Tensor Gradient, double[] Size, double[] Active, List<Tensor> Within) : IDisposable
    {
        public Point Select(int[] columns) => columns.Length == Value.Length ? this : new Point(
            [.. columns.Select(k => Value[k])], Columns(Gradient, columns), [.. columns.Select(k => Size[k])], [.. columns.Select(k => Active[k])],
            [.. Within.Select(mask => Columns(mask, columns))]);

        public Point MoveToOuterDisposeScope()
        {
            Gradient.MoveToOuterDisposeScope();
            Within.ForEach(static mask => mask.MoveToOuterDisposeScope());
            return this;
        }

        public void Dispose()
        {
            Gradient.Dispose();
            Within.ForEach(static mask => mask.Dispose());
        }
    }
}
