using Xkd.Model.Configuration;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The <c>svm</c> protocol from caches to a result: features of both caches, C on held-out training clips, accuracy on the other.</summary>
public static class SvmEvaluation
{
    /// <summary>Evaluates <paramref name="encoder"/>; <paramref name="modality"/> is <c>video</c>, <c>audio</c>, or <c>av</c>, which joins both features.</summary>
    /// <exception cref="UsageException">Caches without labels, without the modality, or with classes that the other lacks.</exception>
    public static async Task<EvaluationResult> RunAsync(
        FrozenEncoder encoder, Cache train, Cache validation, SvmConfig config, string modality, WeightBranch branch, CancellationToken stop)
    {
        string[] classes = Classes(train);
        string[] unknown = [.. Classes(validation).Except(classes, StringComparer.Ordinal)];
        if (unknown.Length > 0)
        {
            throw new UsageException($"{validation.Path}: classes {string.Join(", ", unknown.Take(5))} are not in {train.Path}; evaluate on the same classes");
        }

        FeatureSet trainFeatures = await FeaturesAsync(train).ConfigureAwait(false);
        FeatureSet testFeatures = await FeaturesAsync(validation).ConfigureAwait(false);
        EvaluationResult result = new()
        {
            Dataset = config.Dataset, Protocol = "svm", Modality = modality, Branch = branch == WeightBranch.Teacher ? "teacher" : "student", Seed = (ulong)config.Seed,
            WeightsSha256 = encoder.WeightsSha256,
        };
        if (config.LabelsPerClass == 0)
        {
            return result.With(Probe(trainFeatures, config.Seed));
        }

        string?[] labels = [.. train.Clips.Select(c => c.Label)];
        return EvaluationResult.MeanOf([.. Enumerable.Range(0, config.LabelDraws).Select(draw =>
            result.With(Probe(trainFeatures.Select(Labelled(labels, config.LabelsPerClass, config.Seed + draw)), config.Seed + draw)) with { Fold = draw })]) with
        {
            Selection = $"mean over {config.LabelDraws} draws of {config.LabelsPerClass} labels a class, C chosen in each",
        };

        SvmProbeResult Probe(FeatureSet part, long seed) => SvmProbe.Run(
            part, testFeatures, new SvmProbeOptions { Cs = config.C, Scaling = config.Scaling, HeldOut = config.HeldOut, Seed = (ulong)seed }, stop);

        async Task<FeatureSet> FeaturesAsync(Cache cache)
        {
            FeatureSet? joined = null;
            foreach (WeightModality one in modality switch { "video" => [WeightModality.Video], "audio" => [WeightModality.Audio], _ => new[] { WeightModality.Audio, WeightModality.Video } })
            {
                FeatureSet features = await FrozenFeatures.ExtractAsync(encoder, cache, one, branch, classes, config.Windows, config.Batch, stop).ConfigureAwait(false);
                joined = joined is null ? features : joined.Join(features);
            }

            return joined!;
        }
    }

    /// <summary>The clips whose labels are used: that many of each class, or all there are, drawn by the seed.</summary>
    internal static IReadOnlyList<int> Labelled(IReadOnlyList<string?> labels, int perClass, long seed) =>
        [.. labels.Index()
            .GroupBy(c => c.Item, StringComparer.Ordinal)
            .SelectMany(label => label.OrderBy(c => new SampleRandom(new SampleKey((ulong)seed, 0, c.Index), SamplePurpose.Labels).NextUInt64()).Take(perClass))
            .Select(c => c.Index)
            .Order()];

    private static string[] Classes(Cache cache)
    {
        int unlabelled = cache.Clips.Count(c => c.Label is null);
        return unlabelled == 0 && cache.Clips.Count > 0
            ? [.. cache.Clips.Select(c => c.Label!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]
            : throw new UsageException($"{cache.Path}: {unlabelled} of {cache.Clips.Count} clips have no label; a probe needs a labelled cache (ROOT/<class>/<file>)");
    }
}
