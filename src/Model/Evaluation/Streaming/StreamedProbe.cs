using Xkd.Model.Configuration;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The <c>svm</c> protocol on feature files of any number of rows, in bounded memory; one row a clip.</summary>
public sealed class StreamedProbe(SvmConfig config, Action<string> log)
{
    private const double Tolerance = 1e-3;

    /// <summary>Fits on one file and tests on another.</summary>
    /// <param name="train">Features with labels.</param>
    /// <param name="test">Features of the same length, of the same classes.</param>
    /// <param name="folder">For temporary files of the size of both.</param>
    /// <param name="identity">What the result is of.</param>
    /// <param name="stop">Stops between blocks.</param>
    /// <exception cref="UsageException">Files that do not belong together.</exception>
    public async Task<EvaluationResult> RunAsync(string train, string test, string folder, EvaluationResult identity, CancellationToken stop)
    {
        FeatureFile fitFile = await FeatureFile.OpenAsync(train).ConfigureAwait(false), testFile = await FeatureFile.OpenAsync(test).ConfigureAwait(false);
        await using (fitFile.ConfigureAwait(false))
        await using (testFile.ConfigureAwait(false))
        {
            FeatureFiles.RequireSameEncoder(fitFile, testFile);

            bool unit = config.Scaling == FeatureScaling.UnitLength;
            using FeatureSpool fit = await FeatureSpool.CreateAsync(fitFile, null, unit, folder, stop).ConfigureAwait(false);
            using FeatureSpool judged = await FeatureSpool.CreateAsync(testFile, fit.Classes, unit, folder, stop).ConfigureAwait(false);
            log($"{fit.Rows} training and {judged.Rows} test rows of {fit.Dim} features, {fit.Classes.Count} classes");
            HashSet<ulong> known = [.. fit.Keys];
            string? shared = FeatureFiles.SharedRows(judged.Keys.Count(known.Contains), judged.Rows);
            return Evaluate(fit, judged, stop) with
            {
                Dataset = identity.Dataset, Modality = identity.Modality, Branch = identity.Branch, Seed = identity.Seed, WeightsSha256 = identity.WeightsSha256, Notes = shared is null ? identity.Notes : [.. identity.Notes ?? [], shared],
                Clips = new Dictionary<string, int>(StringComparer.Ordinal) { ["train"] = fit.Rows, ["test"] = judged.Rows },
            };
        }
    }

    private EvaluationResult Evaluate(FeatureSpool fit, FeatureSpool judged, CancellationToken stop)
    {
        (double[]? mean, double[]? scale) = config.Scaling == FeatureScaling.Standardise ? Moments(fit, stop) : (null, null);
        Dictionary<double, double> scores = [];
        bool onTest = config.Selection == SvmSelection.Test;
        bool[] held = new bool[fit.Rows];
        if (config.C.Length > 1 && !onTest)
        {
            Array.ForEach(SvmProbe.HoldOut(fit.Labels, config.HeldOut, (ulong)config.Seed, fit.Sources).HeldOut, row => held[row] = true);
        }

        foreach (double c in config.C.Length > 1 ? config.C : [])
        {
            LinearSvmModel candidate = Fit(c, onTest ? _ => true : row => !held[row]);
            scores[c] = (onTest ? Score(candidate, judged, _ => true) : Score(candidate, fit, row => held[row])).Value;
            log($"C {c}: {scores[c]:f2} % on {(onTest ? "the test rows" : "held-out training rows")}, at most {candidate.Iterations.Max()} passes{(candidate.Converged ? string.Empty : ", not converged")}");
        }

        double best = scores.Count == 0 ? config.C[0] : scores.Keys.Order().MaxBy(c => scores[c]);
        LinearSvmModel model = Fit(best, _ => true);
        string how = scores.Count == 0 ? $"C {best} was given"
            : onTest ? $"C {best} is the best of {string.Join(", ", scores.Keys)} on the test clips, as released: the score is optimistic"
            : $"C {best} chosen among {string.Join(", ", scores.Keys)} on {100 * config.HeldOut:0.#} % of the training rows, then fitted on all";
        return new EvaluationResult { Dataset = config.Dataset, Protocol = "svm", Modality = string.Empty, Branch = string.Empty, WeightsSha256 = string.Empty }.With(Score(model, judged, _ => true)) with
        {
            C = best,
            Classes = fit.Classes,
            HeldOut = scores.Count == 0 ? null : scores.ToDictionary(p => $"{p.Key}", p => p.Value, StringComparer.Ordinal),
            Selection = $"{how}; streamed in at most {model.Iterations.Max()} passes{(model.Converged ? string.Empty : ", not converged")}",
        };

        LinearSvmModel Fit(double c, Func<int, bool> used)
        {
            StreamedSvmOptions options = new() { Svm = new LinearSvmOptions { C = c, Tolerance = Tolerance, MaxIterations = Math.Min(config.MaxIterations, 50), Seed = (ulong)config.Seed } };
            return new StreamedSvm(fit, options, mean, scale).Fit(used, stop);
        }

        ClipScores Score(LinearSvmModel candidate, FeatureSpool spool, Func<int, bool> used) => Judge(candidate, spool, used, mean, scale, stop);
    }

    private static ClipScores Judge(LinearSvmModel model, FeatureSpool spool, Func<int, bool> used, double[]? mean, double[]? scale, CancellationToken stop)
    {
        // Scores of every row would outgrow memory: counts are all that is needed.
        ConfusionMatrix confusion = new(model.Classes);
        long five = 0, total = 0;
        StreamedSvm.ForEachBlock(spool, 16L << 20, (first, rows) =>
        {
            float[] block = rows.ToArray();
            int[] kept = [.. Enumerable.Range(0, block.Length / model.Dim).Where(i => used(first + i))];
            (int Best, bool Five)[] found = new (int, bool)[kept.Length];
            Parallel.For(0, kept.Length, k =>
            {
                double[] decisions = model.Decide(block.AsSpan(kept[k] * model.Dim, model.Dim));
                found[k] = (TopK.Best(decisions), TopK.Hit(decisions, spool.Labels[first + kept[k]], 5));
            });
            for (int k = 0; k < kept.Length; k++)
            {
                confusion.Add(spool.Labels[first + kept[k]], found[k].Best);
                five += found[k].Five ? 1 : 0;
            }

            total += kept.Length;
        }, mean, scale, stop);
        return ClipScores.Counted(confusion, total > 0 ? 100.0 * five / total : 0, spool.Classes);
    }

    private static (double[] Mean, double[] Scale) Moments(FeatureSpool spool, CancellationToken stop)
    {
        double[] mean = new double[spool.Dim], squares = new double[spool.Dim];
        StreamedSvm.ForEachBlock(spool, 16L << 20, (_, rows) =>
        {
            for (int i = 0; i < rows.Length; i++)
            {
                mean[i % spool.Dim] += rows[i];
                squares[i % spool.Dim] += (double)rows[i] * rows[i];
            }
        }, null, null, stop);
        double[] scale = new double[spool.Dim];
        for (int d = 0; d < spool.Dim; d++)
        {
            mean[d] /= spool.Rows;
            double variance = (squares[d] / spool.Rows) - (mean[d] * mean[d]);

            // A constant feature says nothing: leave it at zero rather than blow rounding noise up.
            scale[d] = variance > 1e-12 * (1 + (mean[d] * mean[d])) ? 1 / Math.Sqrt(variance) : 1;
        }

        return (mean, scale);
    }
}
