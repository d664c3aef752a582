using System.Numerics;
using Xkd.Model.Networks;
using Xkd.Pipeline;

namespace Xkd.Model.Configuration;

/// <summary>What makes a configuration impossible, each rule with the key, the value and the fix.</summary>
internal static class PretrainConfigRules
{
    public static void Check(PretrainConfig c, List<string> errors)
    {
        void Require(bool ok, string key, object? value, string fix)
        {
            if (!ok)
            {
                errors.Add($"{key} is {(value is Array a ? $"[{string.Join(", ", a.Cast<object>())}]" : value)}; {fix}");
            }
        }

        void Positive<T>(string key, T value)
            where T : INumber<T> => Require(value > T.Zero && T.IsFinite(value), key, value, "write a number above 0");
        void NotNegative<T>(string key, T value)
            where T : INumber<T> => Require(value >= T.Zero && T.IsFinite(value), key, value, "write 0 or more");
        void Probability(string key, double value) => Require(value is >= 0 and <= 1, key, value, "write a probability from 0 to 1");
        void Range(string key, double[] value, double low, double high) =>
            Require(value.Length == 2 && value[0] <= value[1] && value[0] >= low && value[1] <= high, key, value, $"write two numbers [from, to] within {low} … {high}, the smaller first");
        void Pair(string key, double[] value, double low, double high) =>
            Require(value.Length == 2 && value.All(v => v >= low && v <= high), key, value, $"write two numbers [start, end] within {low} … {high}");

        Positive("batch", c.Batch);
        NotNegative("seed", c.Seed);

        DataSection d = c.Data;
        Positive("data.fps", d.Fps);
        Positive("data.global_frames", d.GlobalFrames);
        Positive("data.global_size", d.GlobalSize);
        Positive("data.global_mel_frames", d.GlobalMelFrames);
        Positive("data.mels", d.Mels);
        NotNegative("data.local_video_views", d.LocalVideoViews);
        NotNegative("data.local_audio_views", d.LocalAudioViews);
        if (d.LocalFrom == LocalFrom.Window)
        {
            const string Fix = "a local view is cut out of the global window; write at most";
            Require(d.LocalVideoViews < 1 || d.LocalFrames <= d.GlobalFrames, "data.local_frames", d.LocalFrames, $"{Fix} data.global_frames ({d.GlobalFrames}), or data.local_from: clip");
            Require(
                d.LocalAudioViews < 1 || d.LocalMelFrames <= d.GlobalMelFrames, "data.local_mel_frames", d.LocalMelFrames, $"{Fix} data.global_mel_frames ({d.GlobalMelFrames}), or data.local_from: clip");
        }

        Require(
            d.LocalFrom == LocalFrom.Window || d.Sample == SampleUnit.PerClip, "data.local_from", "clip",
            "with data.sample: per_video clips are mere segments of what is visited; write window, or data.sample: per_clip");
        Positive("data.order_block", d.OrderBlock);
        Positive("data.order_window", d.OrderWindow);
        NotNegative("data.workers", d.Workers);
        NotNegative("data.readers", d.Readers);
        NotNegative("data.prefetch_bytes", d.PrefetchBytes);

        ModelSection m = c.Model;
        Require(m.VideoPatch.Length == 3 && m.VideoPatch.All(p => p > 0), "model.video_patch", m.VideoPatch, "write [frames, height, width], each above 0");
        Require(m.AudioPatch.Length == 2 && m.AudioPatch.All(p => p > 0), "model.audio_patch", m.AudioPatch, "write [mels, frames], each above 0");
        if (m.VideoPatch.Length == 3 && m.VideoPatch.All(p => p > 0))
        {
            Divides("data.global_frames", d.GlobalFrames, m.VideoPatch[0], "model.video_patch[0]");
            Divides("data.global_size", d.GlobalSize, m.VideoPatch[1], "model.video_patch[1]");
            Divides("data.global_size", d.GlobalSize, m.VideoPatch[2], "model.video_patch[2]");
            if (d.LocalVideoViews > 0)
            {
                Divides("data.local_frames", d.LocalFrames, m.VideoPatch[0], "model.video_patch[0]");
                Divides("data.local_size", d.LocalSize, m.VideoPatch[1], "model.video_patch[1]");
                Divides("data.local_size", d.LocalSize, m.VideoPatch[2], "model.video_patch[2]");
            }
        }

        if (m.AudioPatch.Length == 2 && m.AudioPatch.All(p => p > 0))
        {
            Divides("data.mels", d.Mels, m.AudioPatch[0], "model.audio_patch[0]");
            Divides("data.global_mel_frames", d.GlobalMelFrames, m.AudioPatch[1], "model.audio_patch[1]");
            if (d.LocalAudioViews > 0)
            {
                Divides("data.local_mel_frames", d.LocalMelFrames, m.AudioPatch[1], "model.audio_patch[1]");
            }
        }

        foreach ((string key, TransformerSection t) in new[] { ("model.encoder", m.Encoder), ("model.decoder", m.Decoder) })
        {
            Positive(key + ".dim", t.Dim);
            Positive(key + ".depth", t.Depth);
            Positive(key + ".heads", t.Heads);
            Require(t.Heads <= 0 || t.Dim % t.Heads == 0, key + ".dim", t.Dim, $"write a multiple of {key}.heads ({t.Heads})");
        }

        Require(m.Projector.Layers >= 1, "model.projector.layers", m.Projector.Layers, "write 1 or more");
        Positive("model.projector.hidden", m.Projector.Hidden);
        NotNegative("model.projector.bottleneck", m.Projector.Bottleneck);
        Positive("model.projector.out", m.Projector.Out);

        ObjectiveSection o = c.Objective;
        NotNegative("objective.align", o.Align);
        NotNegative("objective.cmkd", o.Cmkd);
        NotNegative("objective.recon", o.Recon);
        NotNegative("objective.recon_video", o.ReconVideo);
        NotNegative("objective.recon_audio", o.ReconAudio);
        Require(o.Align + o.Cmkd + o.Recon > 0, "objective.align + cmkd + recon", o.Align + o.Cmkd + o.Recon, "give at least one term a weight above 0");
        Require(o.MaskVideo is > 0 and < 1, "objective.mask_video", o.MaskVideo, "write a share above 0 and below 1, for example 0.85");
        Require(o.MaskAudio is > 0 and < 1, "objective.mask_audio", o.MaskAudio, "write a share above 0 and below 1, for example 0.8");
        Require(o.Recon == 0 || o.ReconVideo + o.ReconAudio > 0, "objective.recon_video + recon_audio", o.ReconVideo + o.ReconAudio, "give one of them a weight above 0, or set objective.recon to 0");
        if (errors.Count == 0)
        {
            Leaves("objective.mask_video", o.MaskVideo, (long)(d.GlobalFrames / m.VideoPatch[0]) * (d.GlobalSize / m.VideoPatch[1]) * (d.GlobalSize / m.VideoPatch[2]));
            Leaves("objective.mask_audio", o.MaskAudio, (long)(d.Mels / m.AudioPatch[0]) * (d.GlobalMelFrames / m.AudioPatch[1]));
        }

        Pair("objective.teacher_temp_video", o.TeacherTempVideo, 1e-6, 1e6);
        Pair("objective.teacher_temp_audio", o.TeacherTempAudio, 1e-6, 1e6);
        Positive("objective.student_temp_video", o.StudentTempVideo);
        Positive("objective.student_temp_audio", o.StudentTempAudio);
        NotNegative("objective.temp_warmup_epochs", o.TempWarmupEpochs);
        Probability("objective.center_momentum", o.CenterMomentum);
        Require((d.LocalVideoViews > 0 && d.LocalAudioViews > 0) || o.Align + o.Cmkd == 0, "data.local_video_views, data.local_audio_views",
            new[] { d.LocalVideoViews, d.LocalAudioViews }, "distillation and alignment need one or more of each; or set objective.align and objective.cmkd to 0");

        OptimSection p = c.Optim;
        Positive("optim.epochs", p.Epochs);
        NotNegative("optim.warmup_epochs", p.WarmupEpochs);
        Require(p.WarmupEpochs <= p.Epochs, "optim.warmup_epochs", p.WarmupEpochs, $"write at most optim.epochs ({p.Epochs})");
        Positive("optim.lr", p.Lr);
        NotNegative("optim.warmup_lr", p.WarmupLr);
        NotNegative("optim.final_lr", p.FinalLr);
        Pair("optim.weight_decay", p.WeightDecay, 0, 100);
        Pair("optim.betas", p.Betas, 0, 0.999999999);
        Positive("optim.eps", p.Eps);
        NotNegative("optim.clip_grad", p.ClipGrad);
        NotNegative("optim.freeze_last_layer_epochs", p.FreezeLastLayerEpochs);
        Probability("optim.ema_video", p.EmaVideo);
        Probability("optim.ema_audio", p.EmaAudio);
        Probability("optim.ema_final", p.EmaFinal);

        AugmentSection a = c.Augment;
        Range("augment.global_crop_scale", a.GlobalCropScale, 1e-4, 1);
        Range("augment.local_crop_scale", a.LocalCropScale, 1e-4, 1);
        Range("augment.crop_ratio", a.CropRatio, 1e-2, 1e2);
        Range("augment.local_spec_frequency", a.LocalSpecFrequency, 1e-2, 10);
        Range("augment.local_spec_time", a.LocalSpecTime, 1e-2, 10);
        Pair("augment.local_spec_canvas", a.LocalSpecCanvas, 1, 10);
        Require(a.Jitter.Length == 4 && a.Jitter.All(j => j >= 0) && a.Jitter[3] <= 0.5, "augment.jitter", a.Jitter, "write [brightness, contrast, saturation, hue], each 0 or more, hue at most 0.5");
        Probability("augment.flip", a.Flip);
        Probability("augment.jitter_probability", a.JitterProbability);
        Probability("augment.local_gray", a.LocalGray);
        Probability("augment.local_blur", a.LocalBlur);
        Require(a.GlobalVolume is >= 0 and < 1, "augment.global_volume", a.GlobalVolume, "write 0 or more, below 1");
        Require(a.LocalVolume is >= 0 and < 1, "augment.local_volume", a.LocalVolume, "write 0 or more, below 1");

        Positive("train.log_every", c.Train.LogEvery);
        Positive("train.checkpoint_every", c.Train.CheckpointEvery);
        Require(c.Train.CheckpointKeep >= 2, "train.checkpoint_keep", c.Train.CheckpointKeep, "write 2 or more, so that a broken newest leaves one to go back to");
        NotNegative("train.checkpoint_keep_every", c.Train.CheckpointKeepEvery);
        NotNegative("train.threads", c.Train.Threads);
        Positive("train.accumulate", c.Train.Accumulate);
        Require(c.Train.Accumulate <= 0 || c.Batch % c.Train.Accumulate == 0, "train.accumulate", c.Train.Accumulate, $"write a divisor of batch ({c.Batch})");
        NotNegative("train.compare_every", c.Train.CompareEvery);
        NotNegative("train.images_every", c.Train.ImagesEvery);

        void Leaves(string key, double ratio, long tokens)
        {
            int visible = RandomMasking.VisibleTokens(tokens, ratio);
            Require(visible > 0 && visible < tokens, key, ratio, $"of {tokens} tokens it leaves {visible}; write a share that leaves at least one and hides at least one");
        }

        void Divides(string key, int value, int divisor, string divisorKey) =>
            Require(value > 0 && value % divisor == 0, key, value, $"write a multiple of {divisorKey} ({divisor})");
    }
}
