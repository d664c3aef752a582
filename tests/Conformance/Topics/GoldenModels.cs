using System.Text.Json;
using Xkd.Model.Method;
using Xkd.Pipeline;

namespace Xkd.Conformance.Topics;

/// <summary>Reads golden configurations into the product's options; every one is the released code's behaviour.</summary>
internal static class GoldenModels
{
    public static TransformerSection Transformer(GoldenField json) => new()
    {
        Dim = json.GetProperty("embed_dim").GetInt32(),
        Depth = json.GetProperty("depth").GetInt32(),
        Heads = json.GetProperty("num_heads").GetInt32(),
    };

    public static VideoGeometry Video(GoldenField config, string prefix = "")
    {
        int[] frame = config.GetProperty("frame_size").Ints(), patch = config.GetProperty(prefix + "patch_spatial").Ints();
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

    public static AudioGeometry Audio(GoldenField config, string prefix = "")
    {
        int[] size = config.GetProperty("spec_size").Ints(), patch = config.GetProperty(prefix + "patch_spatial").Ints();
        return new AudioGeometry { Mels = size[0], Frames = size[1], PatchMels = patch[0], PatchFrames = patch[1] };
    }

    /// <summary>The projector with the reference's own defaults for what a configuration leaves out.</summary>
    public static ProjectorSection Projector(GoldenField json) => new()
    {
        Out = json.GetProperty("out_dim").GetInt32(),
        Layers = Int(json, "nlayers", 3),
        Hidden = Int(json, "hidden_dim", 2048),
        Bottleneck = Int(json, "bottleneck_dim", 256),
        Activation = Text(json, "act") switch
        {
            null or "gelu" => Activation.Gelu,
            "relu" => Activation.Relu,
            string other => throw new InvalidDataException($"activation {other} is unknown"),
        },
        HiddenNorm = IsLayerNorm(Text(json, "norm")),
        OutputNorm = IsLayerNorm(Text(json, "last_norm")),
        FixedMagnitude = !json.TryGetProperty("norm_last_layer", out var fixedMagnitude) || fixedMagnitude.GetBoolean(),
    };

    /// <summary>The whole model as the released code builds and evaluates it: terms of weight 0 are computed, too.</summary>
    public static XkdModel Model(GoldenCase golden, Func<PretrainConfig, PretrainConfig> with)
    {
        var config = golden.Config;
        return new XkdModel(with(Config(config)), device: golden.Device(), teacher: Transformer(config.GetProperty("teacher_encoder"))) { AllTerms = true };
    }

    private static PretrainConfig Config(GoldenField config)
    {
        GoldenField forward = config.GetProperty("fwd_kwargs"), momentum = config.GetProperty("center_momentum");
        var video = Video(config, "vid_");
        var audio = Audio(config, "spec_");
        if (video.Height != video.Width || video.Channels != 3)
        {
            throw new InvalidDataException($"the whole model takes square pictures of three channels, not {video.Channels}x{video.Height}x{video.Width}");
        }

        return new PretrainConfig
        {
            Variant = config.GetProperty("model").GetString() switch
            {
                "XKD" => XkdVariant.Xkd,
                "XKD_MAS" => XkdVariant.Mas,
                "XKD_MATS" => XkdVariant.Mats,
                string other => throw new InvalidDataException($"unknown model {other}"),
                null => throw new InvalidDataException("no model"),
            },
            Data = new DataSection { GlobalFrames = video.Frames, GlobalSize = video.Height, Mels = audio.Mels, GlobalMelFrames = audio.Frames },
            Model = new ModelSection
            {
                VideoPatch = [video.PatchFrames, video.PatchHeight, video.PatchWidth],
                AudioPatch = [audio.PatchMels, audio.PatchFrames],
                ClassToken = config.GetProperty("apply_cls_token").GetBoolean(),
                Encoder = Transformer(config.GetProperty("student_encoder")),
                Decoder = Transformer(config.GetProperty("decoder")),
                Projector = Projector(config.GetProperty("projector")),
            },
            Objective = new ObjectiveSection
            {
                NormPix = config.GetProperty("norm_pix_loss").GetBoolean(),
                MaskVideo = forward.GetProperty("vid_mask_ratio").GetDouble(),
                MaskAudio = forward.GetProperty("aud_mask_ratio").GetDouble(),
                Refinement = Text(forward, "cm_attn_mode") switch
                {
                    "mean" => AttentionRefinement.Mean,
                    "softmax" => AttentionRefinement.Softmax,
                    null => AttentionRefinement.None,
                    string other => throw new InvalidDataException($"cm_attn_mode {other} is unknown"),
                },
                Align = forward.GetProperty("align_coeff").GetDouble(),
                Cmkd = forward.GetProperty("cmkd_coeff").GetDouble(),
                Recon = forward.GetProperty("recon_coeff").GetDouble(),
                CenterMomentum = momentum.ValueKind == JsonValueKind.Array ? [momentum[0].GetDouble(), momentum[1].GetDouble()] : [momentum.GetDouble(), momentum.GetDouble()],
                TeacherView = TeacherView.FirstLocal,
                StudentTemperature = StudentTemperatureRule.AudioForBoth,
            },
            Optim = new OptimSection { ClipGrad = forward.GetProperty("clip_grad").GetDouble(), SharedTeacherEma = SharedTeacherUpdate.Twice },
            Train = new TrainSection { Precision = Precision.Float32 },
        };
    }

    public static KdTemperatures Temperatures(GoldenField teacher, GoldenField student) => new(
        teacher.GetProperty("video").GetDouble(), teacher.GetProperty("audio").GetDouble(), student.GetProperty("video").GetDouble(), student.GetProperty("audio").GetDouble());

    public static CropBox Box(GoldenField o) =>
        new(o.GetProperty("i").GetInt32(), o.GetProperty("j").GetInt32(), o.GetProperty("h").GetInt32(), o.GetProperty("w").GetInt32());

    /// <summary>The views of an encoder's case by name; their shapes are checked against the inputs.</summary>
    public static string[] ViewNames(GoldenCase golden, GoldenCheck check)
    {
        var names = golden.Config.GetProperty("view_names").Strings();
        int[][] shapes = [.. golden.Config.GetProperty("views").EnumerateArray().Select(v => v.Ints())];
        check.Equal("views", shapes.Length, names.Length);
        foreach ((var name, var shape) in names.Zip(shapes))
        {
            // The channel axis goes unsaid: [batch, frames, height, width] or [batch, mels, frames].
            check.SameSequence($"shape of {name}", golden.Shape("in/" + name).Where((_, axis) => axis != 1), shape.Select(side => (long)side));
        }

        return names;
    }

    /// <summary>Checks the views that a configuration of the whole model announces against those of the batch under <c>in/PREFIX</c>.</summary>
    public static void CheckViews(GoldenCase golden, GoldenCheck check, string prefix)
    {
        var views = golden.Config.GetProperty("views");
        var batch = golden.Config.GetProperty("batch").GetInt32();
        check.Equal("global views", views.GetProperty("num_global").GetInt32(), 1);
        foreach ((var kind, var modality) in new[] { ("frames", "video"), ("specs", "audio") })
        {
            string[] given = [.. Views(golden, prefix + kind)];
            check.Equal($"local views of {kind}", given.Length - 1, views.GetProperty($"num_local_{modality}").GetInt32());
            foreach ((var index, var name) in given.Index())
            {
                var shape = views.GetProperty((index == 0 ? "global_" : "local_") + modality).Ints();
                check.SameSequence($"shape of {name}", golden.Shape(name).Where((_, axis) => axis != 1), shape.Prepend(batch).Select(side => (long)side));
            }
        }
    }

    /// <summary>Settings of the forward pass that have one value only: teachers see the first local view.</summary>
    public static void CheckForward(GoldenCheck check, GoldenField forward)
    {
        check.Equal("global_views_number", forward.GetProperty("global_views_number").GetInt32(), 1);
        forward.Describes("align_mode"); // the reference takes it and ignores it
    }

    /// <summary>A batch under <c>in/PREFIX</c>: frames0.., specs0.., noise_video, noise_audio.</summary>
    public static XkdInput Input(GoldenCase golden, string prefix) => new(
        [.. Views(golden, prefix + "frames").Select(golden.Tensor)], [.. Views(golden, prefix + "specs").Select(golden.Tensor)],
        golden.Tensor(prefix + "noise_video"), golden.Tensor(prefix + "noise_audio"));

    private static IEnumerable<string> Views(GoldenCase golden, string prefix) => Enumerable.Range(0, int.MaxValue).Select(i => $"{prefix}{i}").TakeWhile(golden.Has);

    private static int Int(GoldenField json, string name, int fallback) => json.TryGetProperty(name, out var value) ? value.GetInt32() : fallback;

    private static string? Text(GoldenField json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool IsLayerNorm(string? norm) => norm switch
    {
        null => false,
        "ln" => true,
        _ => throw new InvalidDataException($"norm {norm}: XKD uses LayerNorm only"),
    };
}
