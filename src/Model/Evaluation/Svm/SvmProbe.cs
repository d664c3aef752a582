using Xkd.Model.Configuration;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// The frozen-feature protocol: a one-vs-rest linear SVM on every window of the training clips, decision values averaged over the windows of a test clip.
/// C is chosen on a held-out part of the training set, then the SVM is fitted again on all of it; or, as the reference does it, read off the test set.
/// Clips of one class are judged by accuracy, of several by mean average precision.
/// </summary>
public static class SvmProbe
{
    /// <param name="train">Fitted on.</param>
    /// <param name="test">Judged by.</param>
    /// <param name="config">Values of C, how one is chosen, scaling, seed and the solver's limit.</param>
    /// <param name="cancellation">Stops between passes over the features.</param>
    /// <exception cref="UsageException">Sets that do not belong together, clips without a label, or impossible options.</exception>
    public static SvmProbeResult Run(FeatureSet train, FeatureSet test, SvmConfig config, CancellationToken cancellation = default)
    {
        Validate(train, test, config);
        if (config.Scaling == FeatureScaling.UnitLength)
        {
            (train, test) = (UnitLength(train), UnitLength(test));
        }

        SvmRows rows = SvmRows.Copy(train.Vectors, train.Dim);
        SvmTargets targets = SvmTargets.Of(train);
        bool[]? held = null;
        FeatureSet rest = test;
        if (ChoosesOnTraining(config))
        {
            (_, int[] clips) = HoldOut(train.Labels, config.HeldOut, (ulong)config.Seed, [.. train.Ids.Select(ClipSource.Key)]);
            held = new bool[rows.Count];
            Array.ForEach(clips, clip => Array.Fill(held, true, clip * train.Windows, train.Windows));
            rest = train.Select(clips);
        }

        SvmFits fits = Fit(rows, targets, held, config, model => ClipScores.Of(Decide(model, rest), rest).Value, static _ => { }, cancellation);
        double[] decisions = Decide(fits.Model, test);
        return new SvmProbeResult { Fits = fits, Selection = Selection(fits, config), ClassNames = test.ClassNames, Scores = ClipScores.Of(decisions, test), Decisions = decisions };
    }

    /// <summary>Fits every C without the rows held out, judges it, and fits the best on all.</summary>
    /// <param name="rows">The training rows.</param>
    /// <param name="targets">Their classes.</param>
    /// <param name="held">Rows that C is chosen on; null: none.</param>
    /// <param name="config">The protocol.</param>
    /// <param name="judge">The score of a model on what C is chosen on, percent.</param>
    /// <param name="log">Receives a line a value of C.</param>
    /// <param name="stop">Stops between passes.</param>
    internal static SvmFits Fit(SvmRows rows, SvmTargets targets, bool[]? held, SvmConfig config, Func<LinearSvmModel, double> judge, Action<string> log, CancellationToken stop)
    {
        Dictionary<double, double> scores = [];
        int passes = 0;
        bool converged = true;
        if (config.C.Length > 1)
        {
            SvmTargets fitted = held is null ? targets : targets.On([.. held.Select(h => !h)]);
            FeatureScaler scaler = Scaler(fitted);
            foreach (double c in config.C)
            {
                LinearSvmModel candidate = One(fitted, scaler, c);
                scores[c] = judge(candidate);
                log($"C {c}: {scores[c]:f2} % on {(held is null ? "the test clips" : "held-out training clips")}, {candidate.Iterations.Max()} passes{(candidate.Converged ? string.Empty : ", not converged")}");
            }
        }

        // Of equally good values the smallest: the stronger regulariser.
        double best = scores.Count == 0 ? config.C[0] : scores.Keys.Order().MaxBy(c => scores[c]);
        return new SvmFits(One(targets, Scaler(targets), best), scores, converged, passes);

        LinearSvmModel One(SvmTargets of, FeatureScaler scaler, double c)
        {
            LinearSvmModel model = LinearSvm.Fit(rows, of, scaler, new LinearSvmOptions { C = c, MaxIterations = config.MaxIterations }, stop);
            converged &= model.Converged;
            passes = Math.Max(passes, model.Iterations.Max());
            return model;
        }

        FeatureScaler Scaler(SvmTargets of) => config.Scaling == FeatureScaling.Standardise ? FeatureScaler.Standardise(rows, of.Used, stop) : FeatureScaler.None(rows.Dim);
    }

    /// <summary>How C came about, for the report.</summary>
    internal static string Selection(SvmFits fits, SvmConfig config) =>
        fits.Scores.Count == 0 ? $"C {fits.Model.C} was given"
        : config.Selection == SvmSelection.Test ? $"C {fits.Model.C} is the best of {string.Join(", ", fits.Scores.Keys)} on the test clips, as released: the score is optimistic"
        : $"C {fits.Model.C} chosen among {string.Join(", ", fits.Scores.Keys)} on {100 * config.HeldOut:0.#} % of the training clips (stratified, seed {config.Seed}), then fitted on all";

    /// <summary>What must be said of fits that stopped early; null of others.</summary>
    internal static string? NotConverged(SvmFits fits, SvmConfig config) =>
        fits.Converged ? null : $"the SVM stopped before its optimum, after {fits.Passes} of at most {config.MaxIterations} passes: raise max_iterations, or leave values of C above {config.C.Min()} out";

    /// <summary>C is one of several, and is chosen on training clips.</summary>
    internal static bool ChoosesOnTraining(SvmConfig config) => config.C.Length > 1 && config.Selection == SvmSelection.HeldOut;

    /// <summary><see cref="StratifiedSplit"/>, of which C is chosen by the second part.</summary>
    /// <exception cref="UsageException">Nothing can be held out.</exception>
    internal static (int[] Fit, int[] HeldOut) HoldOut(IReadOnlyList<int> labels, double fraction, ulong seed, IReadOnlyList<ulong> sources)
    {
        (int[] fit, int[] held) = StratifiedSplit.Of(labels, fraction, seed, sources);
        return held.Length > 0
            ? (fit, held)
            : throw new UsageException("svm: every class has a single training clip, or the segments of one, so none can be held out to choose C; give one value of C.");
    }

    private static FeatureSet UnitLength(FeatureSet set)
    {
        float[] vectors = [.. set.Vectors];
        VectorMath.NormaliseRows(vectors, set.Dim);
        return set with { Vectors = vectors };
    }

    private static double[] Decide(LinearSvmModel model, FeatureSet set) => DenseScores.Average(model.Decide(set.Vectors), set.Windows, model.Classes);

    private static void Validate(FeatureSet train, FeatureSet test, SvmConfig config)
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

        if (config.C.Length == 0 || config.HeldOut is not (> 0 and < 1))
        {
            throw new UsageException($"svm: {config.C.Length} values of C and a held-out share of {config.HeldOut}; give at least one C and a share between 0 and 1.");
        }
    }
}
