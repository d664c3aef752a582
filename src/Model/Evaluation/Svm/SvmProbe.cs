using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>What an SVM's C is chosen on.</summary>
public enum SvmSelection
{
    /// <summary>A part of the training clips.</summary>
    HeldOut,

    /// <summary>The test clips, as the released code does: the score is then an optimistic one, and the result says so.</summary>
    Test,
}

/// <summary>What <see cref="SvmProbe"/> found.</summary>
/// <param name="Model">The final fit; it takes features as they are.</param>
/// <param name="HeldOut">Score of each C on what it was chosen on, percent; empty when C was given.</param>
/// <param name="Converged">Every fit is at its optimum.</param>
/// <param name="Passes">Passes over the features that the longest fit took.</param>
/// <param name="Scores">What the test clips' decision values, averaged over windows, are worth.</param>
/// <param name="Classes">Names by label.</param>
/// <param name="Selection">How C came about, for the report.</param>
/// <param name="Note">What must be said of fits that stopped early; null of others.</param>
public sealed record SvmProbeResult(
    LinearSvmModel Model, IReadOnlyDictionary<double, double> HeldOut, bool Converged, int Passes, ClipScores Scores, IReadOnlyList<string> Classes,
    string Selection, string? Note);

/// <summary>
/// The frozen-feature protocol: a one-vs-rest linear SVM on every window of the training clips, decision values averaged over the windows of a test clip. C is
/// chosen on a held-out part of the training set, then the SVM is fitted again on all of it; or, as the reference does it, read off the test set. Clips of one
/// class are judged by accuracy, of several by mean average precision.
/// </summary>
public static class SvmProbe
{
    /// <summary>Fits and tests on features in memory.</summary>
    /// <param name="train">Fitted on.</param>
    /// <param name="test">Judged by.</param>
    /// <param name="config">Values of C, how one is chosen, scaling, seed and the solver's limit.</param>
    /// <param name="stop">Stops between passes over the features.</param>
    /// <exception cref="UsageException">Sets that do not belong together, clips without a label, or impossible options.</exception>
    public static SvmProbeResult Run(FeatureSet train, FeatureSet test, SvmConfig config, CancellationToken stop = default) =>
        Run(train, test, config, take: null, static _ => { }, stop);

    /// <param name="train">Fitted on.</param>
    /// <param name="test">Judged by.</param>
    /// <param name="config">As above.</param>
    /// <param name="take">Receives the test recordings; see <see cref="RecordingScores"/>.</param>
    /// <param name="log">Receives a line for each C that was tried.</param>
    /// <param name="stop">Stops between passes over the features.</param>
    internal static SvmProbeResult Run(
        FeatureSet train, FeatureSet test, SvmConfig config, Action<int, IReadOnlyList<double[]>>? take, Action<string> log, CancellationToken stop)
    {
        Validate(train, test, config);
        var unit = config.Scaling == FeatureScaling.UnitLength;
        return Run(LabelledRows.Of(train, unit), LabelledRows.Of(test, unit), config, log, stop, take);
    }

    /// <summary>Fits on one feature file and tests on another, of any number of rows, in bounded memory; one row a clip.</summary>
    /// <param name="train">Features with labels.</param>
    /// <param name="test">Features of the same length, of the same classes.</param>
    /// <param name="folder">For temporary files of the size of both.</param>
    /// <param name="config">As in <see cref="Run(FeatureSet, FeatureSet, SvmConfig, CancellationToken)"/>.</param>
    /// <param name="identity">What the result is of.</param>
    /// <param name="log">Receives a line on the rows and a line a value of C.</param>
    /// <param name="stop">Stops between blocks.</param>
    /// <exception cref="UsageException">Files that do not belong together.</exception>
    public static async Task<EvaluationResult> RunAsync(
        string train, string test, string folder, SvmConfig config, EvaluationResult identity, Action<string> log, CancellationToken stop)
    {
        await using FeatureFile fitFile = await FeatureFile.OpenAsync(train), testFile = await FeatureFile.OpenAsync(test);
        FeatureFiles.RequireSameEncoder(fitFile, testFile);
        var unit = config.Scaling == FeatureScaling.UnitLength;
        using var fit = await LabelledRows.OfFileAsync(fitFile, null, unit, folder, stop);
        using var judged = await LabelledRows.OfFileAsync(testFile, fit.Classes, unit, folder, stop);
        log($"{fit.Rows.Count} training and {judged.Rows.Count} test rows of {fit.Rows.Dim} features, {fit.Classes.Count} classes");
        HashSet<ulong> known = [.. fit.Keys];
        var shared = FeatureFiles.SharedRows(judged.Keys.Count(known.Contains), judged.Rows.Count);
        return (identity with
        {
            Notes = shared is null ? identity.Notes : [.. identity.Notes ?? [], shared],
            Clips = EvaluationResult.Sizes(fit.Rows.Count, judged.Rows.Count),
        }).With(await OwnThread.RunAsync(() => Run(fit, judged, config, log, stop)));
    }

    /// <summary>Fits every C without the rows held out, judges it, and fits the best on all.</summary>
    internal static SvmProbeResult Run(
        LabelledRows train, LabelledRows test, SvmConfig config, Action<string> log, CancellationToken stop, Action<int, IReadOnlyList<double[]>>? take = null)
    {
        var targets = train.Targets;
        var held = config.C.Length > 1 && config.Selection == SvmSelection.HeldOut ? HoldOut(train, config) : null;
        Dictionary<double, double> scores = [];
        var passes = 0;
        var converged = true;
        if (config.C.Length > 1)
        {
            var fitted = held is null ? targets : targets.On([.. held.Select(h => !h)]);
            using var problem = Problem(fitted);
            foreach (var c in config.C)
            {
                var candidate = Fit(problem, c);
                scores[c] = (held is null ? Judge(candidate, test, null, config, null, stop) : Judge(candidate, train, held, config, null, stop)).Value;
                log($"C {c}: {scores[c]:f2} % on {(held is null ? "the test clips" : "held-out training clips")}, {candidate.Iterations.Max()} passes"
                    + (candidate.Converged ? string.Empty : ", not converged"));
            }
        }

        // Of equally good values the smallest: the stronger regulariser.
        var best = scores.Count == 0 ? config.C[0] : scores.Keys.Order().MaxBy(c => scores[c]);
        using var all = Problem(targets);
        var model = Fit(all, best);
        var tried = string.Join(", ", scores.Keys);
        return new SvmProbeResult(
            model, scores, converged, passes, Judge(model, test, null, config, take, stop), train.Classes,
            Selection: scores.Count == 0 ? $"C {best} was given"
                : held is null ? $"C {best} is the best of {tried} on the test clips, as released: the score is optimistic"
                : $"C {best} chosen among {tried} on {100 * config.HeldOut:0.#} % of the training clips (stratified, seed {config.Seed}), then fitted on all",
            Note: converged ? null : $"the SVM stopped before its optimum, after {passes} of at most {config.MaxIterations} passes: raise max_iterations, "
                + $"or leave values of C above {config.C.Min()} out");

        LinearSvmModel Fit(SvmProblem problem, double c)
        {
            var fit = problem.Fit(new LinearSvmOptions { C = c, MaxIterations = config.MaxIterations }, stop);
            converged &= fit.Converged;
            passes = Math.Max(passes, fit.Iterations.Max());
            return fit;
        }

        SvmProblem Problem(SvmTargets of)
        {
            var standardise = config.Scaling == FeatureScaling.Standardise;
            return new(train.Rows, of, standardise ? FeatureScaler.Standardise(train.Rows, of, stop) : FeatureScaler.None(train.Rows.Dim), bias: 1);
        }
    }

    /// <summary>Splits clips into a part to fit on and a part held out, class by class, so that every class with two clips or more is on both sides.</summary>
    /// <param name="labels">Class of each clip.</param>
    /// <param name="fraction">Share of each class held out, 0 … 1; rounded, but at least one clip stays on each side.</param>
    /// <param name="seed">Which clips.</param>
    /// <param name="sources">What each clip was cut from: clips of one source stay on one side, and the share is of sources. Null: each from its own.</param>
    internal static (int[] Fit, int[] HeldOut) Split(IReadOnlyList<int> labels, double fraction, ulong seed, IReadOnlyList<ulong>? sources = null)
    {
        var random = new SplitMix64(seed);
        List<int> fit = [], heldOut = [];
        foreach (var group in Enumerable.Range(0, labels.Count).GroupBy(i => labels[i]).OrderBy(g => g.Key))
        {
            int[][] together = [.. group.GroupBy(clip => sources is null ? (ulong)clip : sources[clip]).Select(source => source.ToArray())];
            random.Shuffle<int[]>(together);
            var held = together.Length < 2 ? 0 : Math.Clamp((int)Math.Round(together.Length * fraction), 1, together.Length - 1);
            heldOut.AddRange(together[..held].SelectMany(clips => clips));
            fit.AddRange(together[held..].SelectMany(clips => clips));
        }

        return ([.. fit.Order()], [.. heldOut.Order()]);
    }

    // A bit for each row of the clips that C is chosen on.
    private static bool[] HoldOut(LabelledRows train, SvmConfig config)
    {
        var clips = Split(train.Labels, config.HeldOut, (ulong)config.Seed, train.Sources).HeldOut;
        if (clips.Length == 0)
        {
            throw new UsageException(
                "svm: every class has a single training clip, or the segments of one, so none can be held out to choose C; give one value of C.");
        }

        var held = new bool[train.Rows.Count];
        Array.ForEach(clips, clip => Array.Fill(held, true, clip * train.Windows, train.Windows));
        return held;
    }

    private static ClipScores Judge(
        LinearSvmModel model, LabelledRows side, bool[]? judged, SvmConfig config, Action<int, IReadOnlyList<double[]>>? take, CancellationToken stop)
    {
        var windows = side.Windows;
        ScoreTally tally = new(side.Classes, side.LabelSets is not null);
        List<int> clips = []; // those judged so far
        RecordingScores recordings = new((first, scores) =>
        {
            tally.Add(side.LabelSets?[clips[first]] ?? [side.Labels[clips[first]]], RecordingScores.Mean(scores));
            take?.Invoke(clips[first], scores);
        });
        side.Rows.ForEachBlock((first, count, block) =>
        {
            int[] here = [.. Enumerable.Range(first / windows, count / windows).Where(clip => judged is null || judged[clip * windows])];
            var found = new double[here.Length][];
            Parallel.For(0, here.Length, k =>
            {
                var mean = found[k] = new double[model.Classes];
                for (int row = (here[k] * windows) - first, w = 0; w < windows; w++)
                {
                    var decisions = model.Decide(block.AsSpan((row + w) * side.Rows.Dim, model.Dim));
                    for (var c = 0; c < mean.Length; c++)
                    {
                        mean[c] += decisions[c] / windows;
                    }
                }
            });
            foreach (var (clip, scores) in here.Zip(found))
            {
                // One recording has one label: ids that only look like segments are not joined.
                recordings.Add(config.Test.Sample == SampleUnit.PerVideo ? side.Sources[clip] + (ulong)side.Labels[clip] : (ulong)clip, scores);
                clips.Add(clip);
            }
        }, stop);
        recordings.Finish();
        return tally.Scores;
    }

    private static void Validate(FeatureSet train, FeatureSet test, SvmConfig config)
    {
        train.Validate();
        test.Validate();
        if (train.Dim != test.Dim || !train.ClassNames.SequenceEqual(test.ClassNames, StringComparer.Ordinal))
        {
            throw new UsageException(
                $"svm: training features ({train.Dim} numbers, {train.ClassNames.Count} classes) and test features "
                + $"({test.Dim} numbers, {test.ClassNames.Count} classes) do not belong together; extract both with the same weights and the same class list.");
        }

        if (train.Clips == 0 || test.Clips == 0)
        {
            throw new UsageException($"svm: {train.Clips} training and {test.Clips} test clips; both sets need some.");
        }

        foreach (var set in new[] { train, test })
        {
            var unlabelled = Array.IndexOf(set.Labels, -1);
            if (unlabelled >= 0 && set.LabelSets is null)
            {
                throw new UsageException($"svm: clip {set.Ids[unlabelled]} has no label; evaluate on a labelled cache.");
            }
        }

        if (config.C.Length == 0 || config.HeldOut is not (> 0 and < 1))
        {
            throw new UsageException(
                $"svm: {config.C.Length} values of C and a held-out share of {config.HeldOut}; give at least one C and a share between 0 and 1.");
        }
    }
}
