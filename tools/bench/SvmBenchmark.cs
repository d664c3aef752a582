using System.Diagnostics;
using System.Runtime.InteropServices;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// Linear SVM fits side by side with scikit-learn's LinearSVC (<c>peers/svm_sklearn.py</c>) on the same rows: the two take turns and medians are compared.
/// Generated features, 50 classes of 768 numbers, so that it runs without a data set.
/// </summary>
internal static class SvmBenchmark
{
    private static readonly double[] Cs = [0.001, 0.01, 0.1, 1];

    /// <param name="rounds">Turns of each side.</param>
    /// <param name="tolerance">Stopping tolerance of both sides (liblinear's default is 1e-4).</param>
    /// <param name="peers">Folder of the peer scripts; null times this side only.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    /// <param name="cancellation">Checked between passes of a fit.</param>
    public static async Task<int> RunAsync(int rounds, double tolerance, string? peers, TextWriter output, CancellationToken cancellation)
    {
        const int Dim = 768, Classes = 50;
        LibTorch.Load();
        Devices.SetThreads(0);
        var data = SvmBenchmarkData.Generate(2000, 1000, Dim, Classes, seed: 1);
        var folder = Directory.CreateTempSubdirectory("xkd-svm-").FullName;
        try
        {
            data.Write(folder);
            var ours = Cs.ToDictionary(c => c, _ => new List<double>());
            var theirs = Cs.ToDictionary(c => c, _ => new List<double>());
            for (var round = 0; round <= rounds; round++)
            {
                foreach (var c in Cs)
                {
                    var started = Stopwatch.GetTimestamp();
                    var model = LinearSvm.Fit(data.Train, Dim, data.TrainLabels, Classes, new LinearSvmOptions { C = c, Tolerance = tolerance }, cancellation);
                    var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                    if (round > 0)
                    {
                        ours[c].Add(seconds);
                        continue;
                    }

                    // The first turn warms the JIT up and says what was learnt.
                    var accuracy = TopK.Accuracy(model.Decide(data.Test), Classes, data.TestLabels, 1);
                    await output.WriteLineAsync($"C {c}: accuracy {accuracy:f1} %, at most {model.Iterations.Max()} passes");
                }

                if (peers is not null && round > 0)
                {
                    foreach ((var c, var seconds) in await PeerAsync(peers, folder, Dim, tolerance, output))
                    {
                        theirs[c].Add(seconds);
                    }
                }
            }

            foreach (var c in Cs)
            {
                var versus = theirs[c].Count > 0 ? $", peer {Median(theirs[c]):f3} s, {Median(theirs[c].Zip(ours[c], (t, o) => t / o)):f1} times faster" : string.Empty;
                await output.WriteLineAsync($"C {c}: fit {Median(ours[c]):f3} s{versus}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static async Task<List<(double C, double Seconds)>> PeerAsync(
        string peers, string folder, int dim, double tolerance, TextWriter output)
    {
        string[] arguments = [folder, $"{dim}", $"{tolerance}", .. Cs.Select(c => $"{c}")];
        var root = await PeerScript.RunAsync("python3", Path.Combine(peers, "svm_sklearn.py"), "numpy and scikit-learn", arguments);
        await output.WriteLineAsync($"peer {root}");
        return [.. root.EnumerateObject().Select(p => (double.Parse(p.Name), p.Value.GetProperty("seconds").GetDouble()))];
    }

    /// <summary>Classes around random centres in a space whose directions differ in variance, as those of a network's features do.</summary>
    private sealed record SvmBenchmarkData(float[] Train, int[] TrainLabels, float[] Test, int[] TestLabels)
    {
        public static SvmBenchmarkData Generate(int train, int test, int dim, int classes, int seed)
        {
            Random random = new(seed);
            double[] scales = [.. Enumerable.Range(0, dim).Select(d => 2 / Math.Sqrt(1 + (0.05 * d)))];
            float[] centres = [.. Enumerable.Range(0, classes * dim).Select(i => (float)(0.25 * scales[i % dim] * Normal(random)))];
            (float[] Rows, int[] Labels) Draw(int count)
            {
                int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(classes))];
                var rows = new float[count * dim];
                for (var i = 0; i < rows.Length; i++)
                {
                    rows[i] = centres[(labels[i / dim] * dim) + (i % dim)] + (float)(scales[i % dim] * Normal(random));
                }

                return (rows, labels);
            }

            (var x, var y) = Draw(train);
            (var xt, var yt) = Draw(test);
            return new SvmBenchmarkData(x, y, xt, yt);
        }

        public void Write(string folder)
        {
            File.WriteAllBytes(Path.Combine(folder, "x_train.f32"), MemoryMarshal.AsBytes(Train.AsSpan()));
            File.WriteAllBytes(Path.Combine(folder, "x_test.f32"), MemoryMarshal.AsBytes(Test.AsSpan()));
            File.WriteAllBytes(Path.Combine(folder, "y_train.i32"), MemoryMarshal.AsBytes(TrainLabels.AsSpan()));
            File.WriteAllBytes(Path.Combine(folder, "y_test.i32"), MemoryMarshal.AsBytes(TestLabels.AsSpan()));
        }

        private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }
}
