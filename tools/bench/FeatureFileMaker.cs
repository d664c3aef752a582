using Xkd.Storage;

namespace Xkd.Bench;

/// <summary>Writes a feature file of any size, of Gaussian classes around random centres: input for what must run in bounded memory.</summary>
internal static class FeatureFileMaker
{
    /// <param name="path">The Parquet file.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="dim">Numbers per vector.</param>
    /// <param name="classes">Classes, in turn.</param>
    /// <param name="seed">Of the rows; the centres are the same for every seed.</param>
    public static async Task<int> RunAsync(string path, int rows, int dim, int classes, int seed)
    {
        Random centres = new(0), random = new(seed);
        float[] middle = [.. Enumerable.Range(0, classes * dim).Select(_ => (float)(0.3 * ((2 * centres.NextDouble()) - 1)))];
        var vector = new float[dim];
        await using var writer = await FeatureFileWriter.CreateAsync(path, dim);
        for (var row = 0; row < rows; row++)
        {
            var label = row % classes;
            for (var d = 0; d < dim; d++)
            {
                vector[d] = middle[(label * dim) + d] + (float)((4 * random.NextDouble()) - 2);
            }

            await writer.AppendAsync($"row{row:d8}", $"class{label:d3}", vector);
        }

        await writer.CommitAsync();
        return 0;
    }
}
