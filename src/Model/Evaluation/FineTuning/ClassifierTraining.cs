using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>Losses of linear evaluation and fine-tuning, each a mean over rows (multi-label: over rows and classes).</summary>
public static class EvaluationLosses
{
    /// <summary>Cross-entropy with integer labels and label smoothing: (1 − s) of it is the label's, s is spread evenly over the classes.</summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="labels">[N] int64.</param>
    /// <param name="smoothing">0 … 1.</param>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels, double smoothing = 0) =>
        nn.functional.cross_entropy(logits, labels, label_smoothing: smoothing);

    /// <summary>Cross-entropy with a distribution [N, classes] per row, as Mixup and CutMix make them: −Σ t log p.</summary>
    public static Tensor SoftCrossEntropy(Tensor logits, Tensor targets) => -(targets * nn.functional.log_softmax(logits, -1)).sum(-1).mean();

    /// <summary>Binary cross-entropy of each class; logits and targets (0 … 1) are [N, classes].</summary>
    public static Tensor MultiLabel(Tensor logits, Tensor targets) => nn.functional.binary_cross_entropy_with_logits(logits, targets);
}

/// <summary>Trains a classifier epoch by epoch on shuffled, augmented windows, on the caller's thread.</summary>
internal sealed class ClassifierTraining : IDisposable
{
    private readonly ClipClassifier _model;
    private readonly EvaluationSet _set;
    private readonly ClassifierConfig _config;
    private readonly EvaluationOptions _views;
    private readonly MixAugmentation? _mix;
    private readonly GroupedAdamW _optimizer;
    private readonly Dictionary<long, int[]> _labels;
    private double[]? _rates;

    public ClassifierTraining(ClipClassifier model, EvaluationSet set, ClassifierConfig config)
    {
        (_model, _set, _config) = (model, set, config);
        _labels = set.Clips.Index().ToDictionary(c => (long)c.Item, c => set.LabelSets[c.Index]);

        // A set smaller than a batch is one batch; mixing needs pairs.
        var views = EvaluationViews.Train(config, model.Encoders, set);
        var batch = (int)Math.Min(config.Batch, (long)set.Clips.Count * views.Windows);
        _views = views with { Shuffle = true, BatchSize = config.Mix.Any ? Math.Max(2, batch / 2 * 2) : batch, Augmentation = views.Augmentation ?? Plain };
        _mix = config.Mix.Any ? new MixAugmentation(config.Mix) : null;
        _optimizer = new GroupedAdamW(model.Groups(config.Optim.LayerDecay, config.Optim.WeightDecay), config.Optim.Betas);
    }

    // Windows begin anywhere in training, augmented or not.
    private static AugmentationOptions Plain => new()
    {
        GlobalVideo = new VideoViewOptions { CropScaleMin = 1, FlipProbability = 0, JitterProbability = 0 },
        GlobalAudio = new SpectrogramViewOptions { Volume = 0 },
    };

    /// <summary>One epoch; gives its mean loss.</summary>
    /// <param name="epoch">Counted from 0.</param>
    /// <param name="progress">Receives the batches of the epoch that are done, and of how many.</param>
    /// <param name="stop">Stops between batches.</param>
    /// <exception cref="FailureException">The loss is not finite.</exception>
    public double Epoch(int epoch, Action<long, long> progress, CancellationToken stop)
    {
        var feed = new ClipFeed(_set.Cache, _views);
        try
        {
            _rates ??= Rates((int)feed.StepsPerEpoch);
            _model.Train(true);
            using var total = zeros([], device: _model.Device).DetachFromDisposeScope();
            foreach (var (done, batch) in feed.ReadEpochAsync(epoch, stop).ToBlockingEnumerable(stop).Index())
            {
                using (batch)
                {
                    Step(batch, total);
                }

                progress(done + 1, feed.StepsPerEpoch);
            }

            double loss = total.item<float>() / feed.StepsPerEpoch;
            return double.IsFinite(loss) ? loss : throw new FailureException(
                $"the loss of epoch {epoch + 1} is {loss}; lower optim.lr from {_config.Optim.Lr} "
                + $"or lengthen the warm-up from {_config.Optim.WarmupEpochs} epochs");
        }
        finally
        {
            feed.DisposeAsync().AsTask().GetAwaiter().GetResult(); // on a thread of its own, which may wait
        }
    }

    public void Dispose() => _optimizer.Dispose();

    private void Step(HostBatch batch, Tensor total)
    {
        using var scope = NewDisposeScope();
        Tensor[] inputs = [.. _model.Encoders.Select(e => EncoderFeatures.Input(e, batch))];
        int[][] labels = [.. batch.ClipIndices.Select(c => _labels[c])];
        var draw = _mix?.Draw((ulong)_config.Seed, batch.Step, (int)inputs[0].shape[^2], (int)inputs[0].shape[^1]) ?? MixDraw.None;
        if (_mix is not null && draw.Lambda < 1)
        {
            inputs = [.. inputs.Select(i => _mix.Apply(i, draw))];
        }

        using var loss = Loss(_model.Forward(inputs), labels, draw);
        loss.backward();
        _optimizer.Step(_rates![batch.Step]);
        using var unrecorded = no_grad();
        total.AddInPlace(loss.detach());
    }

    private Tensor Loss(Tensor logits, int[][] labels, MixDraw draw)
    {
        var classes = _set.Classes.Count;
        if (_set.Multi)
        {
            var targets = new float[labels.Length * classes];
            foreach ((var row, var own) in labels.Index())
            {
                Array.ForEach(own, c => targets[(row * classes) + c] = 1);
            }

            return EvaluationLosses.MultiLabel(logits, tensor(targets, [labels.Length, classes], device: _model.Device));
        }

        var indices = tensor(labels.Select(l => (long)l[0]).ToArray(), device: _model.Device);
        return _mix is null
            ? EvaluationLosses.CrossEntropy(logits, indices, _config.Mix.LabelSmoothing)
            : EvaluationLosses.SoftCrossEntropy(logits, _mix.Targets(indices, classes, draw));
    }

    private double[] Rates(int steps)
    {
        var o = _config.Optim;
        return o.Schedule switch
        {
            LearningRateShape.Cosine => EvaluationSchedules.WarmupCosine(o.Epochs, steps, o.WarmupEpochs, o.WarmupLr, o.Lr, o.FinalLr),
            LearningRateShape.Step => EvaluationSchedules.WarmupMultiStep(o.Epochs, steps, o.WarmupEpochs, o.WarmupLr, o.Lr, o.Milestones, o.Gamma),
            LearningRateShape.WarmupFixed => EvaluationSchedules.WarmupFixed(o.Epochs, steps, o.WarmupEpochs, o.WarmupLr, o.Lr),
            _ => EvaluationSchedules.Fixed(o.Epochs, steps, o.Lr),
        };
    }
}
