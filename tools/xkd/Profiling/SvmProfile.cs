using System.Diagnostics;
using System.Globalization;
using Xkd.Model.Evaluation;
using Xkd.Model.Training;
using Xkd.Pipeline;

namespace Xkd.Cli.Profiling;

/// <summary><c>profile svm</c>: fits at each C on generated features, 2000 rows of 768 numbers and 50 classes, all cores.</summary>
internal static class SvmProfile
{
    private const int Train = 2000, Test = 1000, Dim = 768, Classes = 50, Spans = 1 << 10;
    private const double Tolerance = 1e-4; // liblinear's default, so that the figures are a peer's kind
    private static readonly double[] Cs = [0.001, 0.01, 0.1, 1];

    public static async Task<ProfileOutcome> RunAsync(CancellationToken stop)
    {
        (var train, var trainLabels) = Draw(Train, seed: 1);
        (var test, var testLabels) = Draw(Test, seed: 2);
        Devices.SetThreads(0);
        Dictionary<string, double> seconds = new(StringComparer.Ordinal), accuracy = new(StringComparer.Ordinal);
        LinearSvm.Fit(train.AsSpan(0, 200 * Dim), Dim, trainLabels.AsSpan(0, 200), Classes, new LinearSvmOptions { C = 1, Tolerance = 0.1 }, stop); // compiles the kernels
        PipelineGraph graph = new("svm", new PipelineGraphOptions { TraceCapacity = Spans });
        var costs = graph.Source("costs", Cs.ToAsyncEnumerable());
        await graph.RunAsync(costs, "fit", (c, _) =>
        {
            var start = Stopwatch.GetTimestamp();
            var model = LinearSvm.Fit(train, Dim, trainLabels, Classes, new LinearSvmOptions { C = c, Tolerance = Tolerance }, stop);
            var name = c.ToString(CultureInfo.InvariantCulture);
            seconds[name] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            accuracy[name] = TopK.Accuracy(model.Decide(test), Classes, testLabels, 1);
            return ValueTask.CompletedTask;
        }, new StageOptions { QueueCapacity = 1, Remedy = "the fit is the work: give it more cores, or fewer values of C" }, stop).ConfigureAwait(false);
        return new ProfileOutcome
        {
            What = "svm", Samples = Cs.Length, Threads = Environment.ProcessorCount, Report = graph.Report(), WriteTrace = graph.WriteTrace,
            Tables = new Dictionary<string, IReadOnlyDictionary<string, double>>(StringComparer.Ordinal) { ["fit_s"] = seconds, ["accuracy"] = accuracy },
            Notes = [.. seconds.Keys.Select(c => string.Create(CultureInfo.InvariantCulture, $"C {c}: {seconds[c]:f3} s, accuracy {accuracy[c]:f1} %"))],
        };
    }

    /// <summary>Classes around centres that every seed shares, in a space whose directions differ in variance, as those of a network's features do.</summary>
    private static (float[] Rows, int[] Labels) Draw(int rows, int seed)
    {
        Random centres = new(0), random = new(seed);
        double[] scales = [.. Enumerable.Range(0, Dim).Select(d => 2 / Math.Sqrt(1 + (0.05 * d)))];
        float[] middle = [.. Enumerable.Range(0, Classes * Dim).Select(i => (float)(0.25 * scales[i % Dim] * Normal(centres)))];
        int[] labels = [.. Enumerable.Range(0, rows).Select(_ => random.Next(Classes))];
        var values = new float[rows * Dim];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = middle[(labels[i / Dim] * Dim) + (i % Dim)] + (float)(scales[i % Dim] * Normal(random));
        }

        return (values, labels);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
