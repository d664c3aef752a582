using Xkd.Model.Evaluation;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Evaluation;

/// <summary>A map of a feature file's space: its first rows along the two leading principal components.</summary>
internal static class FeatureScatter
{
    private const int MostRows = 10_000;

    public static async Task WriteAsync(string features, string picture, CancellationToken stop)
    {
        var set = await FeatureFiles.ReadFirstAsync(features, MostRows, stop).ConfigureAwait(false);
        if (set.Clips < 2 || set.Dim < 2)
        {
            throw new UsageException($"{features} has {set.Clips} rows of {set.Dim} features; a scatter needs two of each");
        }

        var components = PrincipalComponents.Of(set.Vectors, set.Dim);
        await File.WriteAllBytesAsync(
            picture, ScatterPicture.Png(components.Project(set.Vectors), set.Labels, set.ClassNames, $"{100 * components.Explained[0]:f1} % and {100 * components.Explained[1]:f1} % of the variance"), stop).ConfigureAwait(false);
    }
}
