using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// The frozen-feature protocol: a one-vs-rest linear SVM on every window of the training clips, decision values averaged over the windows of a test clip.
/// C is chosen on a held-out part of the training set (the reference reads it off the test set), then the SVM is fitted again on all of it.
/// </summary>
public static class SvmProbe
{
    /// <exception cref="UsageException">Sets that do not belong together, clips without a label, or impossible options.</exception>
    public static SvmProbeResult Run(FeatureSet train, FeatureSet test, SvmProbeOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new SvmProbeOptions();
        Validate(train, test, options);
        Dictionary<double, double> heldOut = [];
        double best = options.Cs[0];
        if (options.Cs.Count > 1)
        {
            (int[] fit, int[] held) = StratifiedSplit.Of(train.Labels, options.HeldOut, options.Seed);
            if (held.Length == 0)
            {
                throw new UsageException("svm: every class has a single training clip, so none can be held out to choose C; give one value of C.");
            }

            FeatureSet part = train.Select(fit), rest = train.Select(held);
            FeatureScaler scaler = FeatureScaler.Fit(part, options.Scaling);
            part = scaler.Apply(part);
            rest = scaler.Apply(rest);
            SvmRows rows = SvmRows.Copy(part.Vectors, part.Dim, options.Svm.InterceptScaling);
            int[] labels = part.RowLabels();
            foreach (double c in options.Cs)
            {
                LinearSvmModel candidate = LinearSvm.Fit(rows, labels, train.ClassNames.Count, Solver(options, c), cancellation);
                heldOut[c] = TopK.Accuracy(Decide(candidate, rest), candidate.Classes, rest.Labels, 1);
            }

            // Of equally good values the smallest: the stronger regulariser.
            best = heldOut.Keys.Order().MaxBy(c => heldOut[c]);
        }

        FeatureScaler all = FeatureScaler.Fit(train, options.Scaling);
        FeatureSet fitted = all.Apply(train), judged = all.Apply(test);
        LinearSvmModel model = LinearSvm.Fit(fitted.Vectors, fitted.Dim, fitted.RowLabels(), train.ClassNames.Count, Solver(options, best), cancellation);
        return SvmProbeResult.Of(model, Decide(model, judged), judged, heldOut, options);
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
            if (unlabelled >= 0)
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
