namespace Xkd.Model.Evaluation;

/// <summary>What a <see cref="NewtonSolver"/> needs of the rows next.</summary>
internal enum SvmAsk
{
    /// <summary>The gradient at <see cref="NewtonSolver.Asked"/>.</summary>
    Gradient,

    /// <summary>The Hessian's product with <see cref="NewtonSolver.Asked"/>.</summary>
    Product,

    /// <summary>The rows within the margin themselves: they are so few that a step is solved directly.</summary>
    Rows,
}

/// <summary>
/// One class against the rest: Newton's method on <c>½|w|² + C Σ max(0, 1 − y w·x)²</c> (Keerthi and DeCoste, JMLR 2005), whose steps are solved directly
/// where few rows are within the margin, else by preconditioned conjugate gradients. It asks for one thing at a time, and whoever reads the rows serves every
/// class in one pass.
/// </summary>
/// <param name="positive">The class.</param>
/// <param name="length">Numbers of the weights, the bias's among them.</param>
/// <param name="rows">Number of all rows.</param>
/// <param name="preconditioner">Of the problem.</param>
/// <param name="options">C and the tolerance.</param>
/// <param name="start">Weights to start from, [length]; empty: zero.</param>
internal sealed class NewtonSolver(int positive, int length, int rows, SvmPreconditioner preconditioner, LinearSvmOptions options, double[] start)
{
    private const double Decrease = 1e-4, Rounding = 1e-13, ProductRounding = 1e-15;
    private const int MostStalls = 4;

    // Up to so many rows within the margin a step is solved directly: where they hardly outnumber the features, conjugate gradients need many passes.
    private const int DirectRowsPerFeature = 4;
    private const long DirectBytes = 32L << 20;
    private readonly double[] _gradient = new double[length], _step = new double[length], _residual = new double[length], _solved = new double[length];
    private double _value = double.PositiveInfinity, _forcing = 0.1;
    private double _norm, _length, _slope, _square, _start, _enough;
    private int _stalls;

    public int Positive => positive;

    /// <summary>Weights of the scaled features, then of the bias feature.</summary>
    public double[] Weights { get; } = new double[length];

    /// <summary>What the next pass multiplies the rows by: weights, or a direction.</summary>
    public double[] Asked { get; } = start.Length == 0 ? new double[length] : [.. start];

    public SvmAsk Ask { get; private set; }

    /// <summary>A bit for each row that was within the margin in the last gradient: those the Hessian is made of.</summary>
    public ulong[] Active { get; } = new ulong[(rows + RowBlocks.Tile - 1) / RowBlocks.Tile];

    /// <summary>Number of those rows.</summary>
    public long ActiveRows { get; private set; }

    /// <summary>The preconditioner's level; its own to choose.</summary>
    public int Level { get; set; }

    public int Passes { get; private set; }

    public bool Converged { get; private set; }

    public bool Done { get; private set; }

    /// <summary>Takes what a pass has summed.</summary>
    /// <param name="sums">Σ over rows of coefficient times row, [length].</param>
    /// <param name="loss">C Σ slack², for a gradient.</param>
    /// <param name="size">Σ of |coefficient|, for a gradient: what its rounding is relative to.</param>
    /// <param name="active">Rows within the margin, for a gradient.</param>
    public void Take(double[] sums, double loss, double size, long active)
    {
        Passes++;
        Plus(sums, 1, Asked);
        if (Ask == SvmAsk.Gradient)
        {
            TakeGradient(sums, loss, size, active);
        }
        else
        {
            TakeProduct(sums);
        }

        Done |= Passes >= options.MaxIterations;
    }

    private void TakeGradient(double[] gradient, double loss, double size, long active)
    {
        double value = (0.5 * Dot(Asked, Asked)) + loss;
        if (double.IsFinite(_value) && value > _value + (Decrease * _length * _slope) + (Rounding * _value))
        {
            // Too far: to where the slope, which grows along a convex function, would be zero were it linear.
            double end = Dot(gradient, _step);
            _length *= end > 0 ? Math.Clamp(_slope / (_slope - end), 0.1, 0.7) : 0.5;
            Move();
            return;
        }

        Asked.CopyTo(Weights, 0);
        gradient.CopyTo(_gradient, 0);
        double before = _norm, weights = Math.Sqrt(Dot(Weights, Weights));
        _norm = Math.Sqrt(Dot(gradient, gradient));
        _stalls = _value - value > Rounding * value || _norm < 0.5 * before ? 0 : _stalls + 1;
        _value = value;

        // Rounding bounds what can be asked for: that of the sum, and that of each row's slack, which is of a product of row and weights.
        double longest = preconditioner.LargestRow, ofSum = Rounding * size, ofSlack = 2 * options.C * active * ProductRounding * longest * weights;
        double limit = Math.Max(options.Tolerance * weights, longest * (ofSum + ofSlack));
        Converged = _norm <= limit;
        Done = Converged || _stalls >= MostStalls;
        if (!Done)
        {
            _forcing = before > 0 ? Math.Clamp(_norm / before, 1e-4, 0.1) : 0.1;
            _enough = 0.25 * limit;
            ActiveRows = active;
            Begin(active);
        }
    }

    /// <summary>Takes the rows within the margin, scaled and with their bias feature: [count, padded length].</summary>
    public void Take(double[] rows, int count)
    {
        Passes++;
        HeldRows.Step(rows, count, options.C, _gradient, _step);
        Go();
        Done |= Passes >= options.MaxIterations;
    }

    private void Begin(long active)
    {
        if (active <= Math.Min(DirectRowsPerFeature * (long)Weights.Length, DirectBytes / (sizeof(double) * RowBlocks.Padded(Weights.Length))))
        {
            Ask = SvmAsk.Rows;
            return;
        }

        preconditioner.Choose(this, active);
        Array.Clear(_step);
        for (int i = 0; i < _residual.Length; i++)
        {
            _residual[i] = -_gradient[i];
        }

        preconditioner.Solve(this, _residual, _solved);
        _square = Dot(_residual, _solved);
        _start = _square;
        _solved.CopyTo(Asked, 0);
        Ask = SvmAsk.Product;
    }

    private void TakeProduct(double[] product)
    {
        double curvature = Dot(Asked, product), along = _square / curvature;
        Plus(_step, along, Asked);
        Plus(_residual, -along, product);
        preconditioner.Solve(this, _residual, _solved);
        double square = Dot(_residual, _solved);
        if (!(square > _forcing * _forcing * _start) || Dot(_residual, _residual) <= _enough * _enough)
        {
            Go();
            return;
        }

        double turn = square / _square;
        _square = square;
        for (int i = 0; i < Asked.Length; i++)
        {
            Asked[i] = _solved[i] + (turn * Asked[i]);
        }
    }

    private void Go()
    {
        _slope = Dot(_gradient, _step);
        _length = 1;
        Ask = SvmAsk.Gradient;
        Move();
    }

    private void Move()
    {
        Weights.CopyTo(Asked, 0);
        Plus(Asked, _length, _step);
    }

    private static double Dot(double[] a, double[] b) => VectorMath.Dot<double>(a, b);

    private static void Plus(double[] a, double scale, double[] b)
    {
        for (int i = 0; i < a.Length; i++)
        {
            a[i] += scale * b[i];
        }
    }
}
