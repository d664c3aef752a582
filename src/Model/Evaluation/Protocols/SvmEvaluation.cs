using Xkd.Model.Configuration;
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
    public static async Task<EvaluationResult> RunAsync(
        IReadOnlyList<EvaluationEncoder> encoders, Cache train, Cache test, SvmConfig config, EvaluationResult identity, CancellationToken stop)
    {
        (EvaluationSet fit, EvaluationSet judged) = EvaluationSets.Resolve(train, test, config, identity.Fold);

        // Unit length is of each encoder's features by themselves, before they are joined.
        bool unitLength = config.Scaling == FeatureScaling.UnitLength;
        FeatureSet trainFeatures = await EncoderFeatures.ExtractAsync(encoders, fit, EvaluationViews.Train(config, encoders, fit), unitLength, stop).ConfigureAwait(false);
        FeatureSet testFeatures = await EncoderFeatures.ExtractAsync(encoders, judged, EvaluationViews.Test(config, encoders, judged), unitLength, stop).ConfigureAwait(false);
        EvaluationResult result = identity with { Clips = new Dictionary<string, int>(StringComparer.Ordinal) { ["train"] = fit.Clips.Count, ["test"] = judged.Clips.Count } };
        if (config.LabelsPerClass == 0)
        {
            return result.With(Probe(trainFeatures, config.Seed));
        }

        string?[] labels = [.. fit.LabelSets.Select(l => fit.Classes[l[0]])];
        ulong[] sources = [.. fit.Clips.Select(clip => ClipSource.Key(fit.Cache.Clips[clip].Id))];
        return EvaluationResult.MeanOf([.. Enumerable.Range(0, config.LabelDraws).Select(draw =>
            result.With(Probe(trainFeatures.Select(Labelled(labels, sources, config.LabelsPerClass, config.Seed + draw)), config.Seed + draw)) with { Fold = draw })]) with
        {
            Fold = identity.Fold,
            Folds = null,
            Clips = new Dictionary<string, int>(StringComparer.Ordinal)
            {
                ["train"] = Labelled(labels, sources, config.LabelsPerClass, config.Seed).Count, ["test"] = judged.Clips.Count,
            },
            Selection = $"mean over {config.LabelDraws} draws of {config.LabelsPerClass} labels a class, C chosen in each",
        };

        SvmProbeResult Probe(FeatureSet part, long seed) => SvmProbe.Run(part, testFeatures, Options(config, seed), stop);
    }

    /// <summary>The probe that a configuration asks for.</summary>
    internal static SvmProbeOptions Options(SvmConfig config, long seed) => new()
    {
        Cs = config.C,
        Scaling = config.Scaling == FeatureScaling.UnitLength ? FeatureScaling.None : config.Scaling,
        HeldOut = config.HeldOut,
        Selection = config.Selection,
        Seed = (ulong)seed,
        Svm = new LinearSvmOptions { MaxIterations = config.MaxIterations },
    };

    /// <summary>The clips whose labels are used: that many of each class, or all there are, drawn by the seed. The segments of one recording have one label, and count once.</summary>
    internal static IReadOnlyList<int> Labelled(IReadOnlyList<string?> labels, IReadOnlyList<ulong> sources, int perClass, long seed) =>
        [.. labels.Index()
            .GroupBy(c => c.Item, StringComparer.Ordinal)
            .SelectMany(label => label.GroupBy(c => sources[c.Index], c => c.Index)
                .OrderBy(source => new SampleRandom(new SampleKey((ulong)seed, 0, source.First()), SamplePurpose.Labels).NextUInt64()).Take(perClass))
            .SelectMany(source => source)
            .Order()];
}
