using Xkd.Pipeline;

namespace Xkd.Model.Method;

/// <summary>What makes a configuration impossible although each number is within its own range, each rule with the key, the value and the fix.</summary>
internal static class ConfigRules
{
    /// <summary>Tokens of a view, and values of a patch: beyond it attention and embedding take more memory than there is.</summary>
    public const long MostTokens = 1 << 16, MostPatchValues = 1 << 20;

    public static void Check(PretrainConfig c, List<string> errors)
    {
        void Require(bool ok, string key, object? value, string fix)
        {
            if (!ok)
            {
                errors.Add($"{key} is {(value is Array a ? $"[{string.Join(", ", a.Cast<object>())}]" : value)}; {fix}");
            }
        }

        var d = c.Data;
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

        var m = c.Model;
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

        foreach ((var key, var t) in new[] { ("model.encoder", m.Encoder), ("model.decoder", m.Decoder) })
        {
            Require(t.Heads <= 0 || t.Dim % t.Heads == 0, key + ".dim", t.Dim, $"write a multiple of {key}.heads ({t.Heads})");
        }

        var o = c.Objective;
        Require(o.Align + o.Cmkd + o.Recon > 0, "objective.align + cmkd + recon", o.Align + o.Cmkd + o.Recon, "give at least one term a weight above 0");
        Require(o.MaskVideo is not (0 or 1), "objective.mask_video", o.MaskVideo, "write a share above 0 and below 1, for example 0.85");
        Require(o.MaskAudio is not (0 or 1), "objective.mask_audio", o.MaskAudio, "write a share above 0 and below 1, for example 0.8");
        Require(o.Recon == 0 || o.ReconVideo + o.ReconAudio > 0, "objective.recon_video + recon_audio", o.ReconVideo + o.ReconAudio, "give one of them a weight above 0, or set objective.recon to 0");
        if (errors.Count == 0)
        {
            var video = Tokens("data.global_frames, data.global_size", d.GlobalFrames, d.GlobalSize, d.GlobalSize, m.VideoPatch);
            var audio = Tokens("data.mels, data.global_mel_frames", 1, d.Mels, d.GlobalMelFrames, [1, .. m.AudioPatch]);
            _ = Tokens("data.local_frames, data.local_size", d.LocalFrames, d.LocalSize, d.LocalSize, m.VideoPatch);
            _ = Tokens("data.mels, data.local_mel_frames", 1, d.Mels, d.LocalMelFrames, [1, .. m.AudioPatch]);
            Leaves("objective.mask_video", o.MaskVideo, video);
            Leaves("objective.mask_audio", o.MaskAudio, audio);
            var values = 3L * m.VideoPatch[0] * m.VideoPatch[1] * m.VideoPatch[2];
            Require(values <= MostPatchValues, "model.video_patch", m.VideoPatch, $"it has {values} values; write one of at most {MostPatchValues}");
            values = (long)m.AudioPatch[0] * m.AudioPatch[1];
            Require(values <= MostPatchValues, "model.audio_patch", m.AudioPatch, $"it has {values} values; write one of at most {MostPatchValues}");
        }

        Require((d.LocalVideoViews > 0 && d.LocalAudioViews > 0) || !o.CrossModal, "data.local_video_views, data.local_audio_views",
            new[] { d.LocalVideoViews, d.LocalAudioViews }, "distillation and alignment need one or more of each; or set objective.align and objective.cmkd to 0");

        var p = c.Optim;
        Require(p.WarmupEpochs <= p.Epochs, "optim.warmup_epochs", p.WarmupEpochs, $"write at most optim.epochs ({p.Epochs})");

        var a = c.Augment;
        Require(a.Jitter.Length != 4 || a.Jitter[3] <= 0.5, "augment.jitter", a.Jitter, "write [brightness, contrast, saturation, hue], hue at most 0.5");
        Require(a.GlobalVolume != 1, "augment.global_volume", a.GlobalVolume, "write 0 or more, below 1");
        Require(a.LocalVolume != 1, "augment.local_volume", a.LocalVolume, "write 0 or more, below 1");

        Require(c.Train.Accumulate <= 0 || c.Batch % c.Train.Accumulate == 0, "train.accumulate", c.Train.Accumulate, $"write a divisor of batch ({c.Batch})");

        long Tokens(string keys, int frames, int height, int width, int[] patch)
        {
            var tokens = (long)(frames / patch[0]) * (height / patch[1]) * (width / patch[2]);
            Require(tokens <= MostTokens, keys, $"a view of {tokens} tokens", $"write smaller ones, or a larger patch: at most {MostTokens} tokens");
            return Math.Min(tokens, MostTokens);
        }

        void Leaves(string key, double ratio, long tokens)
        {
            var visible = RandomMasking.VisibleTokens(tokens, ratio);
            Require(visible > 0 && visible < tokens, key, ratio, $"of {tokens} tokens it leaves {visible}; write a share that leaves at least one and hides at least one");
        }

        void Divides(string key, int value, int divisor, string divisorKey) =>
            Require(value > 0 && value % divisor == 0, key, value, $"write a multiple of {divisorKey} ({divisor})");
    }
}
