using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// The frozen-feature protocol: a one-vs-rest linear SVM on every window of the training clips, decision values averaged over the windows of a test clip.
/// C is chosen on a held-out part of the training set, then the SVM is fitted again on all of it; or, as the reference does it, read off the test set.
/// Clips of one class are judged by accuracy, of several by mean average precision.
/// </summary>
public static class SvmProbe
{
    /// <exception cref="UsageException">Sets that do not belong together, clips without a label, or impossible options.</exception>
    public static SvmProbeResult Run(FeatureSet train, FeatureSet test, SvmProbeOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new SvmProbeOptions();
        Validate(train, test, options);
        Dictionary<double, double> scores = [];
        double best = options.Cs[0];
        if (options.Cs.Count > 1)
        {
            (FeatureSet part, FeatureSet rest) = options.Selection == SvmSelection.Test ? (train, test) : Split(train, options);
            FeatureScaler scaler = FeatureScaler.Fit(part, options.Scaling);
            part = scaler.Apply(part);
            rest = scaler.Apply(rest);
            SvmRows rows = SvmRows.Copy(part.Vectors, part.Dim, options.Svm.InterceptScaling);
            SvmTargets targets = SvmTargets.Of(part);
            foreach (double c in options.Cs)
            {
                LinearSvmModel candidate = LinearSvm.Fit(rows, targets, Solver(options, c), cancellation);
                scores[c] = ClipScores.Of(Decide(candidate, rest), rest).Value;
            }

            // Of equally good values the smallest: the stronger regulariser.
            best = scores.Keys.Order().MaxBy(c => scores[c]);
        }

        FeatureScaler all = FeatureScaler.Fit(train, options.Scaling);
        FeatureSet fitted = all.Apply(train), judged = all.Apply(test);
        LinearSvmModel model = LinearSvm.Fit(
            SvmRows.Copy(fitted.Vectors, fitted.Dim, options.Svm.InterceptScaling), SvmTargets.Of(fitted), Solver(options, best), cancellation);
        return SvmProbeResult.Of(model, Decide(model, judged), judged, scores, options);
    }

    private static (FeatureSet Part, FeatureSet HeldOut) Split(FeatureSet train, SvmProbeOptions options)
    {
        (int[] fit, int[] held) = HoldOut(train.Labels, options.HeldOut, options.Seed, [.. train.Ids.Select(ClipSource.Key)]);
        return (train.Select(fit), train.Select(held));
    }

    /// <summary><see cref="StratifiedSplit"/>, of which C is chosen by the second part.</summary>
    /// <exception cref="UsageException">Nothing can be held out.</exception>
    internal static (int[] Fit, int[] HeldOut) HoldOut(IReadOnlyList<int> labels, double fraction, ulong seed, IReadOnlyList<ulong> sources)
    {
        (int[] fit, int[] held) = StratifiedSplit.Of(labels, fraction, seed, sources);
        return held.Length > 0
            ? (fit, held)
            : throw new UsageException("svm: every class has a single training clip, or the segments of one, so none can be held out to choose C; give one value of C.");
    }

    private static double[] Decide(LinearSvmModel model, FeatureSet set) => DenseScores.Average(model.Decide(set.Vectors), set.Windows, model.Classes);

    private static LinearSvmOptions Solver(SvmProbeOptions options, double c) => options.Svm with { C = c, Seed = options.Seed };

    private static void Validate(FeatureSet train, FeatureSet test, SvmProbeOptions options)
    {
        train.Validate();
        test.Validate();
        if (train.Dim != test.Dim || !train.ClassNames.SequenceEqual(test.ClassNames, StringComparer.Ordinal))
        {
            throw new UsageException(
                $"svm: training features ({train.Dim} numbers, {train.ClassNames.Count} classes) and test features ({test.Dim} numbers, {test.ClassNames.Count} classes) do not " +
                "belong together; extract both with the same weights and the same class list.");
        }

        if (train.Clips == 0 || test.Clips == 0)
        {
            throw new UsageException($"svm: {train.Clips} training and {test.Clips} test clips; both sets need some.");
        }

        foreach (FeatureSet set in new[] { train, test })
        {
            int unlabelled = Array.IndexOf(set.Labels, -1);
            if (unlabelled >= 0 && set.LabelSets is null)
            {
                throw new UsageException($"svm: clip {set.Ids[unlabelled]} has no label; evaluate on a labelled cache.");
            }
        }

        if (options.Cs.Count == 0 || options.HeldOut is not (> 0 and < 1))
        {
            throw new UsageException($"svm: {options.Cs.Count} values of C and a held-out share of {options.HeldOut}; give at least one C and a share between 0 and 1.");
        }
    }
}
