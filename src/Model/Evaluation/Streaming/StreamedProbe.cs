using Xkd.Model.Configuration;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The <c>svm</c> protocol on feature files of any number of rows, in bounded memory; one row a clip.</summary>
public sealed class StreamedProbe(SvmConfig config, Action<string> log)
{
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
            log($"{fit.Count} training and {judged.Count} test rows of {fit.Dim} features, {fit.Classes.Count} classes");
            HashSet<ulong> known = [.. fit.Keys];
            string? shared = FeatureFiles.SharedRows(judged.Keys.Count(known.Contains), judged.Count);
            EvaluationResult result = identity with
            {
                Notes = shared is null ? identity.Notes : [.. identity.Notes ?? [], shared],
                Clips = new Dictionary<string, int>(StringComparer.Ordinal) { ["train"] = fit.Count, ["test"] = judged.Count },
            };
            return Evaluate(fit, judged, result, stop);
        }
    }

    private EvaluationResult Evaluate(FeatureSpool fit, FeatureSpool judged, EvaluationResult identity, CancellationToken stop)
    {
        bool[]? held = null;
        if (SvmProbe.ChoosesOnTraining(config))
        {
            held = new bool[fit.Count];
            Array.ForEach(SvmProbe.HoldOut(fit.Labels, config.HeldOut, (ulong)config.Seed, fit.Sources).HeldOut, row => held[row] = true);
        }

        SvmFits fits = SvmProbe.Fit(
            fit, SvmTargets.Single(fit.Labels, fit.Classes.Count), held, config, model => (held is null ? Judge(model, judged, null, stop) : Judge(model, fit, held, stop)).Value, log, stop);
        return identity.With(Judge(fits.Model, judged, null, stop), fits, fit.Classes, config);
    }

    private static ClipScores Judge(LinearSvmModel model, FeatureSpool spool, bool[]? judged, CancellationToken stop)
    {
        // Scores of every row would outgrow memory: counts are all that is needed.
        ConfusionMatrix confusion = new(model.Classes);
        long five = 0, total = 0;
        spool.ForEachBlock((first, count, block) =>
        {
            int[] kept = [.. Enumerable.Range(0, count).Where(i => judged is null || judged[first + i])];
            (int Best, bool Five)[] found = new (int, bool)[kept.Length];
            Parallel.For(0, kept.Length, k =>
            {
                double[] decisions = model.Decide(block.AsSpan(kept[k] * spool.Stride, model.Dim));
                found[k] = (TopK.Best(decisions), TopK.Hit(decisions, spool.Labels[first + kept[k]], 5));
            });
            for (int k = 0; k < kept.Length; k++)
            {
                confusion.Add(spool.Labels[first + kept[k]], found[k].Best);
                five += found[k].Five ? 1 : 0;
            }

            total += kept.Length;
        }, stop);
        return ClipScores.Counted(confusion, total > 0 ? 100.0 * five / total : 0, spool.Classes);
    }
}
