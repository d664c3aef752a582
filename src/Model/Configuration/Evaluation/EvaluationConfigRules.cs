namespace Xkd.Model.Configuration;

/// <summary>What evaluation configurations must satisfy beside the ranges of their numbers: one line per broken rule.</summary>
internal static class EvaluationConfigRules
{
    public static void Check(EvaluationConfig c, List<string> errors)
    {
        TrainViewSection t = c.Train;
        Pair(t.CropScale, "train.crop_scale");
        Pair(t.CropRatio, "train.crop_ratio");
        Require(t.Jitter.Length == 4, $"train.jitter has {t.Jitter.Length} strengths; write [brightness, contrast, saturation, hue]");
        Require(t.FrequencyMasks.Length == 2 && t.FrequencyMasks[1] >= 1, $"train.frequency_masks is [{string.Join(", ", t.FrequencyMasks)}]; write [number, bound]");
        Require(t.TimeMasks.Length == 2 && t.TimeMasks[1] >= 1, $"train.time_masks is [{string.Join(", ", t.TimeMasks)}]; write [number, bound]");
        Require(t.Augment || (t.RandOperations == 0 && t.Erasing == 0), "train.rand_operations or train.erasing is set but train.augment is false; set it to true");
        Require(c.Encoder.VideoPatch.Length == 3 && c.Encoder.AudioPatch.Length == 2, "encoder.video_patch takes three numbers, encoder.audio_patch two");

        void Require(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }

        void Pair(double[] pair, string key) => Require(pair.Length == 2 && pair[0] <= pair[1], $"{key} is [{string.Join(", ", pair)}]; write [low, high] with low <= high");
    }

    public static void Check(ClassifierConfig c, List<string> errors)
    {
        Check((EvaluationConfig)c, errors);
        ClassifierOptimSection o = c.Optim;
        Require(o.WarmupEpochs <= o.Epochs, $"optim.warmup_epochs is {o.WarmupEpochs} of {o.Epochs} epochs; the warm-up cannot outlast the run");
        Require(o.Betas.Length == 2, $"optim.betas is [{string.Join(", ", o.Betas)}]; write two numbers");
        Require(c.Head.Dropout != 1, $"head.dropout is {c.Head.Dropout}; write a probability below 1");
        Require(!(c.Mix.Any || c.Mix.LabelSmoothing > 0) || c.Labels == LabelKind.Single, "mix.* is set but labels is multi; mixing needs one class a clip");
        Require(!c.Mix.Any || c.Batch % 2 == 0, $"batch is {c.Batch}; mixing pairs the clips of a batch, write an even number");

        void Require(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }
    }
}
