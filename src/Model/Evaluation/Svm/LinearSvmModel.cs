using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>A fitted one-vs-rest linear SVM.</summary>
/// <param name="dim">Features per row.</param>
/// <param name="coefficients">Row-major [classes, dim].</param>
/// <param name="intercepts">[classes].</param>
public sealed class LinearSvmModel(int dim, double[] coefficients, double[] intercepts)
{
    public int Dim { get; } = dim;

    public int Classes => Intercepts.Length;

    /// <summary>Row-major [classes, dim].</summary>
    public double[] Coefficients { get; } = coefficients;

    /// <summary>[classes].</summary>
    public double[] Intercepts { get; } = intercepts;

    public double C { get; init; }

    /// <summary>Passes over the samples taken by each class's solver.</summary>
    public IReadOnlyList<int> Iterations { get; init; } = [];

    /// <summary>False when a class stopped at the iteration limit instead of the tolerance.</summary>
    public bool Converged { get; init; } = true;

    /// <summary>Decision values w·x + b of each row and class, row-major [rows, classes].</summary>
    /// <exception cref="UsageException">The features are not whole rows of <see cref="Dim"/>.</exception>
    public double[] Decide(ReadOnlySpan<float> vectors)
    {
        if (vectors.Length % Dim != 0)
        {
            throw new UsageException($"svm: {vectors.Length} feature values are not whole rows of the {Dim} features the model was fitted on.");
        }

        var rows = vectors.Length / Dim;
        var decisions = new double[rows * Classes];
        for (var row = 0; row < rows; row++)
        {
            var x = vectors.Slice(row * Dim, Dim);
            for (var c = 0; c < Classes; c++)
            {
                decisions[(row * Classes) + c] = VectorMath.Dot(x, Coefficients.AsSpan(c * Dim, Dim)) + Intercepts[c];
            }
        }

        return decisions;
    }
}
