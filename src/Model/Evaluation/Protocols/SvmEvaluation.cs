using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The <c>svm</c> protocol from caches to a result: features of both sides, C chosen as configured, scores of the test clips.</summary>
public static class SvmEvaluation
{
    /// <summary>Evaluates frozen encoders; several have their features joined in their order.</summary>
    /// <param name="encoders">One encoder, or audio and video.</param>
    /// <param name="train">The cache to fit on.</param>
    /// <param name="test">The cache to test on.</param>
    /// <param name="config">The protocol.</param>
    /// <param name="identity">What the result is of.</param>
    /// <param name="stop">Stops between batches and passes.</param>
    /// <exception cref="UsageException">Caches without labels, without the modality, or with classes that the other lacks.</exception>
    public static Task<EvaluationResult> RunAsync(
        IReadOnlyList<EvaluationEncoder> encoders, Cache train, Cache test, SvmConfig config, EvaluationResult identity, CancellationToken stop) =>
        OwnThread.RunAsync(() =>
        {
            var sides = EvaluationSets.Resolve(train, test, config, identity.Fold);
            return Run(SvmFeatures.Extract(encoders, config, [sides], progress: null, stop), sides, config, identity, keep: null, static _ => { }, stop);
        });

    /// <summary>The same on the caller's thread, on features that may serve several folds.</summary>
    /// <param name="features">Of the clips of both sides, at least.</param>
    /// <param name="sides">Fitted on, and judged by.</param>
    /// <param name="config">The protocol.</param>
    /// <param name="identity">What the result is of.</param>
    /// <param name="keep">Receives the fitted SVM, of several draws of labels the first.</param>
    /// <param name="log">Receives a line for each C that was tried; of draws of labels, which are many, none.</param>
    /// <param name="stop">Stops between passes.</param>
    internal static EvaluationResult Run(
        SvmFeatures features, (EvaluationSet Fit, EvaluationSet Judged) sides, SvmConfig config, EvaluationResult identity, Action<HeadWeights>? keep,
        Action<string> log, CancellationToken stop)
    {
        (var fit, var judged) = sides;
        FeatureSet trainFeatures = features.Train(fit), testFeatures = features.Test(judged);
        var result = identity with { Clips = EvaluationResult.Sizes(fit.Clips.Count, judged.Clips.Count) };
        if (config.LabelsPerClass == 0)
        {
            return Probe(trainFeatures, config.Seed);
        }

        string?[] labels = [.. fit.LabelSets.Select(l => fit.Classes[l[0]])];
        ulong[] sources = [.. fit.Ids.Select(ClipSource.Key)];
        IReadOnlyList<int>[] draws =
            [.. Enumerable.Range(0, config.LabelDraws).Select(draw => Labelled(labels, sources, config.LabelsPerClass, config.Seed + draw))];
        EvaluationResult[] drawn = [.. draws.Select((clips, draw) => Probe(trainFeatures.Select(clips), config.Seed + draw) with { Fold = draw })];
        return EvaluationResult.MeanOf(drawn) with
        {
            Fold = identity.Fold,
            Folds = null,
            Clips = EvaluationResult.Sizes(draws[0].Count, judged.Clips.Count),
            Selection = $"mean over {config.LabelDraws} draws of {config.LabelsPerClass} labels a class, C chosen in each",
            Predictions = drawn[0].Predictions,
        };

        EvaluationResult Probe(FeatureSet part, long seed)
        {
            List<ClipPrediction> predictions = [];
            var own = config with { Seed = seed, Scaling = features.UnitLength ? FeatureScaling.None : config.Scaling };
            var found = SvmProbe.Run(part, testFeatures, own, (first, scores) => predictions.Add(judged.Prediction(first, scores)), config.LabelsPerClass == 0 ? log : static _ => { }, stop);
            if (seed == config.Seed)
            {
                keep?.Invoke(HeadWeights.Of(found.Model));
            }

            return result.With(found) with { Predictions = predictions };
        }
    }

    /// <summary>
    /// The clips whose labels are used: that many of each class, or all there are, drawn by the seed. The segments of one recording have one label, and count
    /// once.
    /// </summary>
    internal static IReadOnlyList<int> Labelled(IReadOnlyList<string?> labels, IReadOnlyList<ulong> sources, int perClass, long seed) =>
        [.. labels.Index()
            .GroupBy(c => c.Item, StringComparer.Ordinal)
            .SelectMany(label => label.GroupBy(c => sources[c.Index], c => c.Index)
                .OrderBy(source => new SampleRandom(new SampleKey((ulong)seed, 0, source.First()), SamplePurpose.Labels).NextUInt64()).Take(perClass))
            .SelectMany(source => source)
            .Order()];
}

/// <summary>Features of the clips that some folds train on and test, each computed once: a window depends on its clip alone, not on the fold.</summary>
internal sealed class SvmFeatures
{
    private readonly (FeatureSet Features, Dictionary<int, int> Places) _train;
    private readonly (FeatureSet Features, Dictionary<int, int> Places) _test;

    private SvmFeatures((FeatureSet, Dictionary<int, int>) train, (FeatureSet, Dictionary<int, int>) test, bool unitLength) =>
        (_train, _test, UnitLength) = (train, test, unitLength);

    /// <summary>Each encoder's features were brought to unit length, by themselves, before they were joined.</summary>
    public bool UnitLength { get; }

    /// <param name="encoders">One, or audio and video.</param>
    /// <param name="config">Windows and views of both sides.</param>
    /// <param name="folds">Both sides of each fold, of the same caches.</param>
    /// <param name="progress">Receives the windows done, and of how many.</param>
    /// <param name="stop">Stops between batches.</param>
    public static SvmFeatures Extract(
        IReadOnlyList<EvaluationEncoder> encoders, SvmConfig config, IReadOnlyList<(EvaluationSet Fit, EvaluationSet Judged)> folds,
        Action<long, long>? progress, CancellationToken stop)
    {
        EvaluationSet train = Union(folds.Select(f => f.Fit)), test = Union(folds.Select(f => f.Judged));
        EvaluationOptions trainViews = EvaluationViews.Train(config, encoders, train), testViews = EvaluationViews.Test(config, encoders, test);
        long first = (long)train.Clips.Count * trainViews.RowsPerClip, all = first + ((long)test.Clips.Count * testViews.RowsPerClip);
        var unitLength = config.Scaling == FeatureScaling.UnitLength;
        return new SvmFeatures(
            Extract(train, trainViews, done => progress?.Invoke(done, all)), Extract(test, testViews, done => progress?.Invoke(first + done, all)), unitLength);

        (FeatureSet, Dictionary<int, int>) Extract(EvaluationSet set, EvaluationOptions views, Action<long> report) =>
            (EncoderFeatures.Extract(encoders, set, views, unitLength, report, stop), set.Clips.Index().ToDictionary(c => c.Item, c => c.Index));
    }

    /// <summary>Of training clips.</summary>
    public FeatureSet Train(EvaluationSet set) => Of(_train, set);

    /// <summary>Of test clips.</summary>
    public FeatureSet Test(EvaluationSet set) => Of(_test, set);

    private static FeatureSet Of((FeatureSet Features, Dictionary<int, int> Places) side, EvaluationSet set)
    {
        int[] places = [.. set.Clips.Select(c => side.Places[c])];
        var whole = places.Length == side.Features.Clips; // both ascend
        var labelled = (whole ? side.Features : side.Features.Select(places)) with
        {
            Labels = set.Labels, LabelSets = set.Multi ? set.LabelSets : null, ClassNames = set.Classes,
        };
        labelled.Validate();
        return labelled;
    }

    private static EvaluationSet Union(IEnumerable<EvaluationSet> sets)
    {
        EvaluationSet[] all = [.. sets];
        (int Clip, int[] Labels)[] clips = [.. all.SelectMany(s => s.Clips.Zip(s.LabelSets)).DistinctBy(c => c.First).OrderBy(c => c.First)];
        return all.Length == 1 ? all[0] : all[0] with { Clips = [.. clips.Select(c => c.Clip)], LabelSets = [.. clips.Select(c => c.Labels)] };
    }
}
