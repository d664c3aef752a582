using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The leading principal components of feature rows: a map of the feature space for the report.</summary>
public sealed record PrincipalComponents
{
    /// <summary>Mean of the rows, [dim].</summary>
    public required double[] Mean { get; init; }

    /// <summary>Unit directions, row-major [components, dim], largest variance first; the largest entry of each is positive, so that maps can be compared.</summary>
    public required double[] Directions { get; init; }

    /// <summary>Share of the total variance along each direction.</summary>
    public required double[] Explained { get; init; }

    /// <summary>Subspace iteration on the covariance, with a few directions more than asked for so that it converges fast.</summary>
    /// <param name="vectors">Row-major [rows, dim].</param>
    /// <param name="dim">Numbers per row.</param>
    /// <param name="components">Directions wanted.</param>
    /// <exception cref="UsageException">Fewer than two rows, or more components than features.</exception>
    public static PrincipalComponents Of(ReadOnlySpan<float> vectors, int dim, int components = 2)
    {
        int rows = dim < 1 ? 0 : vectors.Length / dim;
        if (rows < 2 || vectors.Length % dim != 0 || components < 1 || components > dim)
        {
            throw new UsageException($"pca: {components} components of {vectors.Length} values in rows of {dim}; at least two whole rows and no more components than features.");
        }

        (double[] mean, double[] covariance) = Covariance(vectors, dim, rows);
        int block = Math.Min(dim, components + 6);
        double[] basis = new double[block * dim], image = new double[block * dim], variances = new double[block];
        SplitMix64 random = new(1);
        for (int i = 0; i < basis.Length; i++)
        {
            basis[i] = random.NextNormal();
        }

        Orthonormalise(basis, dim);
        for (int iteration = 0; iteration < 300; iteration++)
        {
            Parallel.For(0, dim, d =>
            {
                for (int b = 0; b < block; b++)
                {
                    image[(b * dim) + d] = VectorMath.Dot(covariance.AsSpan(d * dim, dim), basis.AsSpan(b * dim, dim));
                }
            });
            double change = 0;
            for (int b = 0; b < block; b++)
            {
                double variance = VectorMath.Dot(basis.AsSpan(b * dim, dim), image.AsSpan(b * dim, dim));
                change = b < components ? Math.Max(change, Math.Abs(variance - variances[b]) / Math.Max(Math.Abs(variance), 1e-300)) : change;
                variances[b] = variance;
            }

            (basis, image) = (image, basis);
            Orthonormalise(basis, dim);
            if (change < 1e-13)
            {
                break;
            }
        }

        double total = 0;
        for (int d = 0; d < dim; d++)
        {
            total += covariance[(d * dim) + d];
        }

        double[] directions = basis[..(components * dim)];
        for (int c = 0; c < components; c++)
        {
            Span<double> direction = directions.AsSpan(c * dim, dim);
            double largest = 0;
            foreach (double value in direction)
            {
                largest = Math.Abs(value) > Math.Abs(largest) ? value : largest;
            }

            for (int d = 0; d < dim && largest < 0; d++)
            {
                direction[d] = -direction[d];
            }
        }

        return new PrincipalComponents { Mean = mean, Directions = directions, Explained = [.. variances[..components].Select(v => total > 0 ? v / total : 0)] };
    }

    /// <summary>Coordinates of rows along the directions, row-major [rows, components].</summary>
    public double[] Project(ReadOnlySpan<float> vectors)
    {
        int dim = Mean.Length, components = Explained.Length, rows = vectors.Length / dim;
        double[] result = new double[rows * components];
        for (int c = 0; c < components; c++)
        {
            ReadOnlySpan<double> direction = Directions.AsSpan(c * dim, dim);
            double offset = VectorMath.Dot(Mean, direction);
            for (int row = 0; row < rows; row++)
            {
                result[(row * components) + c] = VectorMath.Dot(vectors.Slice(row * dim, dim), direction) - offset;
            }
        }

        return result;
    }

    private static (double[] Mean, double[] Covariance) Covariance(ReadOnlySpan<float> vectors, int dim, int rows)
    {
        double[] mean = new double[dim];
        for (int i = 0; i < vectors.Length; i++)
        {
            mean[i % dim] += vectors[i] / (double)rows;
        }

        // Transposed and centred: an entry of the covariance is then one dot product.
        double[] columns = new double[vectors.Length];
        for (int i = 0; i < vectors.Length; i++)
        {
            columns[(i % dim * rows) + (i / dim)] = vectors[i] - mean[i % dim];
        }

        double[] covariance = new double[dim * dim];
        Parallel.For(0, dim, a =>
        {
            for (int b = 0; b <= a; b++)
            {
                double value = VectorMath.Dot(columns.AsSpan(a * rows, rows), columns.AsSpan(b * rows, rows)) / (rows - 1);
                covariance[(a * dim) + b] = value;
                covariance[(b * dim) + a] = value;
            }
        });
        return (mean, covariance);
    }

    /// <summary>Gram–Schmidt, twice, in place; a direction that vanishes (fewer directions than asked for carry variance) stays zero.</summary>
    private static void Orthonormalise(double[] basis, int dim)
    {
        for (int start = 0; start < basis.Length; start += dim)
        {
            Span<double> row = basis.AsSpan(start, dim);
            double before = Math.Sqrt(VectorMath.Dot(row, row));
            for (int pass = 0; pass < 2; pass++)
            {
                for (int earlier = 0; earlier < start; earlier += dim)
                {
                    ReadOnlySpan<double> other = basis.AsSpan(earlier, dim);
                    double along = VectorMath.Dot(row, other);
                    for (int d = 0; d < dim; d++)
                    {
                        row[d] -= along * other[d];
                    }
                }
            }

            double length = Math.Sqrt(VectorMath.Dot(row, row));
            double scale = length > 1e-12 * before && length > 0 ? 1 / length : 0;
            for (int d = 0; d < dim; d++)
            {
                row[d] *= scale;
            }
        }
    }
}
