using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>The leading principal components of feature rows: a map of the feature space for the report.</summary>
public sealed record PrincipalComponents
{
    /// <summary>Mean of the rows, [dim].</summary>
    public required double[] Mean { get; init; }

    /// <summary>
    /// Unit directions, row-major [components, dim], largest variance first; the largest entry of each is positive, so that maps can be compared.
    /// </summary>
    public required double[] Directions { get; init; }

    /// <summary>Share of the total variance along each direction.</summary>
    public required double[] Explained { get; init; }

    /// <summary>Eigenvectors of the covariance, in float64.</summary>
    /// <param name="vectors">Row-major [rows, dim].</param>
    /// <param name="dim">Numbers per row.</param>
    /// <param name="components">Directions wanted.</param>
    /// <exception cref="UsageException">Fewer than two rows, or more components than features.</exception>
    public static PrincipalComponents Of(ReadOnlySpan<float> vectors, int dim, int components = 2)
    {
        var rows = dim < 1 ? 0 : vectors.Length / dim;
        if (rows < 2 || vectors.Length % dim != 0 || components < 1 || components > dim)
        {
            throw new UsageException(
                $"pca: {components} components of {vectors.Length} values in rows of {dim}; at least two whole rows and no more components than features.");
        }

        using var scope = NewDisposeScope();
        var all = tensor(vectors.ToArray(), [rows, dim]).to(ScalarType.Float64);
        Tensor mean = all.mean([0L], keepdim: true), centred = all - mean; // [1, D], [N, D]
        var covariance = centred.t().mm(centred).Div(rows - 1); // [D, D]
        (var variances, var eigenvectors) = linalg.eigh(covariance); // ascending: [D], [D, D] by column
        var directions = eigenvectors.narrow(1, dim - components, components).flip(1).t(); // [components, D]
        var largest = directions.gather(1, directions.abs().argmax(1, keepdim: true)); // [components, 1]
        var total = covariance.trace().item<double>();
        return new PrincipalComponents
        {
            Mean = Values(mean),
            Directions = Values(directions * largest.sign()),
            Explained = [.. Values(variances.narrow(0, dim - components, components).flip(0)).Select(v => total > 0 ? Math.Max(0, v) / total : 0)],
        };
    }

    /// <summary>Coordinates of rows along the directions, row-major [rows, components].</summary>
    public double[] Project(ReadOnlySpan<float> vectors)
    {
        using var scope = NewDisposeScope();
        var centred = tensor(vectors.ToArray(), [vectors.Length / Mean.Length, Mean.Length]).to(ScalarType.Float64) - tensor(Mean);
        return Values(centred.mm(tensor(Directions, [Explained.Length, Mean.Length]).t()));
    }

    private static double[] Values(Tensor tensor) => tensor.contiguous().data<double>().ToArray();
}
