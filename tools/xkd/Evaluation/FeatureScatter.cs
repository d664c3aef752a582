using Xkd.Model.Evaluation;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Evaluation;

/// <summary>A map of a feature file's space: its first rows along the two leading principal components.</summary>
internal static class FeatureScatter
{
    private const int MostRows = 10_000, MostOnPage = 3000, MostClasses = 16;

    public static async Task WriteAsync(string features, string picture, CancellationToken stop)
    {
        var set = await FeatureFiles.ReadFirstAsync(features, MostRows, stop).ConfigureAwait(false);
        if (!HasMap(set))
        {
            throw new UsageException($"{features} has {set.Clips} rows of {set.Dim} features; a scatter needs two of each");
        }

        var components = PrincipalComponents.Of(set.Vectors, set.Dim);
        await File.WriteAllBytesAsync(
            picture, ScatterPicture.Png(components.Project(set.Vectors), set.Labels, set.ClassNames, $"{100 * components.Explained[0]:f1} % and {100 * components.Explained[1]:f1} % of the variance"), stop).ConfigureAwait(false);
    }

    /// <summary>The map as a chart; the pointer shows ids. Of many classes the largest have colours. Null of less than two rows or features.</summary>
    public static async Task<PageChart?> ChartAsync(string features, string title, CancellationToken stop)
    {
        var set = await FeatureFiles.ReadFirstAsync(features, MostOnPage, stop).ConfigureAwait(false);
        if (!HasMap(set))
        {
            return null;
        }

        var components = PrincipalComponents.Of(set.Vectors, set.Dim);
        var at = components.Project(set.Vectors);
        var chart = PageChart.Points(title, Axis(0), Axis(1));
        var sizes = set.Labels.Where(l => l >= 0).CountBy(l => l);
        int[] largest = [.. sizes.OrderByDescending(c => c.Value).ThenBy(c => c.Key).Take(MostClasses).Select(c => c.Key).Order()];
        for (var c = 0; c < largest.Length; c++)
        {
            chart.Class(set.ClassNames[largest[c]], Points(label => label == largest[c]), c);
        }

        var others = Points(label => !largest.Contains(label));
        return others.Length == 0 ? chart : chart.Class("others", others, Palette.Count - 1);

        string Axis(int component) => $"principal component {component + 1}: {100 * components.Explained[component]:f1} % of the variance";

        (double X, double Y, string Text)[] Points(Predicate<int> of) =>
            [.. Enumerable.Range(0, set.Clips).Where(i => of(set.Labels[i])).Select(i => (at[2 * i], at[(2 * i) + 1], set.Ids[i]))];
    }

    private static bool HasMap(FeatureSet set) => set is { Clips: >= 2, Dim: >= 2 };
}
