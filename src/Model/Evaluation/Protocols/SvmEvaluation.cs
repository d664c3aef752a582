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
        OwnThread.RunAsync(() => Run(encoders, train, test, config, identity, stop));

    /// <summary>The same on the caller's thread.</summary>
    internal static EvaluationResult Run(
        IReadOnlyList<EvaluationEncoder> encoders, Cache train, Cache test, SvmConfig config, EvaluationResult identity, CancellationToken stop)
    {
        (var fit, var judged) = EvaluationSets.Resolve(train, test, config, identity.Fold);

        // Unit length is of each encoder's features by themselves, before they are joined.
        var unitLength = config.Scaling == FeatureScaling.UnitLength;
        var trainFeatures = EncoderFeatures.Extract(encoders, fit, EvaluationViews.Train(config, encoders, fit), unitLength, stop);
        var testFeatures = EncoderFeatures.Extract(encoders, judged, EvaluationViews.Test(config, encoders, judged), unitLength, stop);
        var result = identity with { Clips = EvaluationResult.Sizes(fit.Clips.Count, judged.Clips.Count) };
        if (config.LabelsPerClass == 0)
        {
            return Probe(trainFeatures, config.Seed);
        }

        string?[] labels = [.. fit.LabelSets.Select(l => fit.Classes[l[0]])];
        ulong[] sources = [.. fit.Ids.Select(ClipSource.Key)];
        IReadOnlyList<int>[] draws =
            [.. Enumerable.Range(0, config.LabelDraws).Select(draw => Labelled(labels, sources, config.LabelsPerClass, config.Seed + draw))];
        return EvaluationResult.MeanOf([.. draws.Select((clips, draw) => Probe(trainFeatures.Select(clips), config.Seed + draw) with { Fold = draw })]) with
        {
            Fold = identity.Fold,
            Folds = null,
            Clips = EvaluationResult.Sizes(draws[0].Count, judged.Clips.Count),
            Selection = $"mean over {config.LabelDraws} draws of {config.LabelsPerClass} labels a class, C chosen in each",
        };

        EvaluationResult Probe(FeatureSet part, long seed) => result.With(
            SvmProbe.Run(part, testFeatures, config with { Seed = seed, Scaling = unitLength ? FeatureScaling.None : config.Scaling }, stop));
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
