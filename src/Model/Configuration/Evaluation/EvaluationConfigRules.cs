namespace Xkd.Model.Configuration;

/// <summary>What evaluation configurations must satisfy: one line per broken rule.</summary>
internal static class EvaluationConfigRules
{
    public static void Check(EvaluationConfig c, List<string> errors)
    {
        Require(c.Train.Windows >= 1 && c.Test.Windows >= 1 && c.Batch >= 1, $"train.windows is {c.Train.Windows}, test.windows is {c.Test.Windows}, batch is {c.Batch}; write numbers above 0");
        Require(c.FrameSize is null or > 0, $"frame_size is {c.FrameSize}; write a number above 0, or null for the encoder's own");
        Require(c.Seed >= 0, $"seed is {c.Seed}; write 0 or more");
        Require(c is { MaxClasses: >= 0, MaxTrainClips: >= 0, MaxTestClips: >= 0 }, $"max_classes is {c.MaxClasses}, max_train_clips {c.MaxTrainClips}, max_test_clips {c.MaxTestClips}; write 0 for all, or numbers above 0");
        TrainViewSection t = c.Train;
        Pair(t.CropScale, "train.crop_scale", 1);
        Pair(t.CropRatio, "train.crop_ratio", double.MaxValue);
        Require(t.Jitter.Length == 4, $"train.jitter has {t.Jitter.Length} strengths; write [brightness, contrast, saturation, hue]");
        Require(t.FrequencyMasks.Length == 2 && t.FrequencyMasks[0] >= 0 && t.FrequencyMasks[1] >= 1, $"train.frequency_masks is [{string.Join(", ", t.FrequencyMasks)}]; write [number, bound]");
        Require(t.TimeMasks.Length == 2 && t.TimeMasks[0] >= 0 && t.TimeMasks[1] >= 1, $"train.time_masks is [{string.Join(", ", t.TimeMasks)}]; write [number, bound]");
        Require(t.RandOperations >= 0 && t.RandMagnitude is >= 0 and <= 10, $"train.rand_operations is {t.RandOperations}, train.rand_magnitude {t.RandMagnitude}; write 0 or more, and 0 … 10");
        Require(t.Augment || (t.RandOperations == 0 && t.Erasing == 0), "train.rand_operations or train.erasing is set but train.augment is false; set it to true");
        Require(c.Encoder.VideoPatch.Length == 3 && c.Encoder.AudioPatch.Length == 2, "encoder.video_patch takes three numbers, encoder.audio_patch two");

        void Require(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }

        void Pair(double[] pair, string key, double most) =>
            Require(pair.Length == 2 && pair[0] > 0 && pair[0] <= pair[1] && pair[1] <= most, $"{key} is [{string.Join(", ", pair)}]; write [low, high] with 0 < low <= high{(most < double.MaxValue ? $" <= {most}" : string.Empty)}");
    }

    public static void Check(ClassifierConfig c, List<string> errors)
    {
        Check((EvaluationConfig)c, errors);
        ClassifierOptimSection o = c.Optim;
        Require(o.Epochs >= 1 && o.WarmupEpochs >= 0 && o.WarmupEpochs <= o.Epochs, $"optim.warmup_epochs is {o.WarmupEpochs} of {o.Epochs} epochs; the warm-up cannot outlast the run");
        Require(o.Lr > 0 && o.FinalLr >= 0 && o.WarmupLr >= 0, $"optim.lr is {o.Lr}, final_lr {o.FinalLr}, warmup_lr {o.WarmupLr}; write a rate above 0 and the others not below");
        Require(o.Betas.Length == 2 && o.Betas.All(b => b is >= 0 and < 1), $"optim.betas is [{string.Join(", ", o.Betas)}]; write two numbers in [0, 1)");
        Require(o.WeightDecay >= 0 && o.LayerDecay is > 0 and <= 1, $"optim.weight_decay is {o.WeightDecay}, layer_decay {o.LayerDecay}; write 0 or more, and a factor in (0, 1]");
        Require(c.Head.Dropout is >= 0 and < 1, $"head.dropout is {c.Head.Dropout}; write a probability in [0, 1)");
        Require(c.EvaluateEvery >= 0, $"evaluate_every is {c.EvaluateEvery}; write 0 or more");
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
