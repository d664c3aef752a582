namespace Xkd.Cli.Hosting;

/// <summary>A curve in one line of text.</summary>
internal static class Sparkline
{
    private const string Levels = "▁▂▃▄▅▆▇█";

    /// <summary>
    /// The values, oldest first, as at most <paramref name="width"/> characters from the lowest to the highest; where there are more values than
    /// characters, each stands for the mean of as many. What is not finite is a "!".
    /// </summary>
    public static string Of(IReadOnlyList<double> values, int width)
    {
        var length = Math.Min(values.Count, width);
        double[] means = [.. Enumerable.Range(0, length).Select(i => Mean(i * values.Count / length, (i + 1) * values.Count / length))];
        double[] finite = [.. means.Where(double.IsFinite)];
        (var low, var high) = finite.Length > 0 ? (finite.Min(), finite.Max()) : (0, 0);
        return string.Concat(means.Select(mean => !double.IsFinite(mean) ? '!'
            : Levels[high > low ? (int)Math.Round((mean - low) / (high - low) * (Levels.Length - 1)) : 0]));

        double Mean(int from, int to) => Enumerable.Range(from, to - from).Average(i => values[i]);
    }
}
