using System.Text.Json;
using Xkd.Model;
using Xkd.Model.Networks;
using Xkd.Model.Objectives;
using Activation = Xkd.Model.Networks.Activation;

namespace Xkd.Conformance.Topics;

/// <summary>Reads golden configurations into the product's options; every one is the released code's behaviour.</summary>
internal static class GoldenModels
{
    public static TransformerOptions Transformer(JsonElement json) => new()
    {
        Dim = json.GetProperty("embed_dim").GetInt32(),
        Depth = json.GetProperty("depth").GetInt32(),
        Heads = json.GetProperty("num_heads").GetInt32(),
    };

    public static VideoGeometry Video(JsonElement config, string prefix = "")
    {
        int[] frame = Ints(config.GetProperty("frame_size")), patch = Ints(config.GetProperty(prefix + "patch_spatial"));
        return new VideoGeometry
        {
            Channels = frame[0],
            Height = frame[1],
            Width = frame[2],
            Frames = config.GetProperty("num_frames").GetInt32(),
            PatchHeight = patch[0],
            PatchWidth = patch[1],
            PatchFrames = config.GetProperty(prefix + "patch_temporal").GetInt32(),
        };
    }

    public static AudioGeometry Audio(JsonElement config, string prefix = "")
    {
        int[] size = Ints(config.GetProperty("spec_size")), patch = Ints(config.GetProperty(prefix + "patch_spatial"));
        return new AudioGeometry { Mels = size[0], Frames = size[1], PatchMels = patch[0], PatchFrames = patch[1] };
    }

    /// <summary>The projector with the reference's own defaults for what a configuration leaves out.</summary>
    public static ProjectorOptions Projector(JsonElement json) => new()
    {
        OutDim = json.GetProperty("out_dim").GetInt32(),
        Layers = Int(json, "nlayers", 3),
        HiddenDim = Int(json, "hidden_dim", 2048),
        BottleneckDim = Int(json, "bottleneck_dim", 256),
        Activation = Text(json, "act") is null or "gelu" ? Activation.Gelu : Activation.Relu,
        HiddenNorm = IsLayerNorm(Text(json, "norm")),
        OutputNorm = IsLayerNorm(Text(json, "last_norm")),
        FixedMagnitude = !json.TryGetProperty("norm_last_layer", out JsonElement fixedMagnitude) || fixedMagnitude.GetBoolean(),
    };

    public static XkdOptions Model(JsonElement config)
    {
        JsonElement forward = config.GetProperty("fwd_kwargs"), momentum = config.GetProperty("center_momentum");
        return XkdOptions.Released with
        {
            Variant = config.GetProperty("model").GetString() switch
            {
                "XKD" => XkdVariant.Xkd,
                "XKD_MAS" => XkdVariant.Mas,
                "XKD_MATS" => XkdVariant.Mats,
                string other => throw new InvalidDataException($"unknown model {other}"),
                null => throw new InvalidDataException("no model"),
            },
            Video = Video(config, "vid_"),
            Audio = Audio(config, "spec_"),
            Student = Transformer(config.GetProperty("student_encoder")),
            Teacher = Transformer(config.GetProperty("teacher_encoder")),
            Decoder = Transformer(config.GetProperty("decoder")),
            Projector = Projector(config.GetProperty("projector")),
            ClassToken = config.GetProperty("apply_cls_token").GetBoolean(),
            NormalisedPatches = config.GetProperty("norm_pix_loss").GetBoolean(),
            VideoMaskRatio = forward.GetProperty("vid_mask_ratio").GetDouble(),
            AudioMaskRatio = forward.GetProperty("aud_mask_ratio").GetDouble(),
            Refinement = Text(forward, "cm_attn_mode") switch
            {
                "mean" => AttentionRefinement.Mean,
                "softmax" => AttentionRefinement.Softmax,
                _ => AttentionRefinement.None,
            },
            AlignWeight = forward.GetProperty("align_coeff").GetDouble(),
            DistillationWeight = forward.GetProperty("cmkd_coeff").GetDouble(),
            ReconstructionWeight = forward.GetProperty("recon_coeff").GetDouble(),
            VideoCenterMomentum = momentum.ValueKind == JsonValueKind.Array ? momentum[0].GetDouble() : momentum.GetDouble(),
            AudioCenterMomentum = momentum.ValueKind == JsonValueKind.Array ? momentum[1].GetDouble() : momentum.GetDouble(),
        };
    }

    public static KdTemperatures Temperatures(JsonElement teacher, JsonElement student) => new(
        teacher.GetProperty("video").GetDouble(), teacher.GetProperty("audio").GetDouble(), student.GetProperty("video").GetDouble(), student.GetProperty("audio").GetDouble());

    /// <summary>A batch under <c>in/PREFIX</c>: frames0.., specs0.., noise_video, noise_audio.</summary>
    public static XkdInput Input(GoldenCase golden, string prefix) => new(
        [.. Views(golden, prefix + "frames").Select(golden.Tensor)], [.. Views(golden, prefix + "specs").Select(golden.Tensor)],
        golden.Tensor(prefix + "noise_video"), golden.Tensor(prefix + "noise_audio"));

    public static int[] Ints(JsonElement json) => [.. json.EnumerateArray().Select(e => e.GetInt32())];

    private static IEnumerable<string> Views(GoldenCase golden, string prefix) => Enumerable.Range(0, int.MaxValue).Select(i => $"{prefix}{i}").TakeWhile(golden.Has);

    private static int Int(JsonElement json, string name, int fallback) => json.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : fallback;

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool IsLayerNorm(string? norm) => norm switch
    {
        null => false,
        "ln" => true,
        _ => throw new InvalidDataException($"norm {norm}: XKD uses LayerNorm only"),
    };
}
