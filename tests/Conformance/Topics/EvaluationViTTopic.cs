using TorchSharp;
using Xkd.Conformance.Topics;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;

namespace Xkd.Conformance;

/// <summary>Encoders loaded from a pre-training backbone's weights: key renaming both ways, tokens and pooled features, native and resampled positions.</summary>
internal sealed class EvaluationViTTopic : IGoldenTopic
{
    private const string State = "state/";

    public IReadOnlyCollection<string> Topics => ["eval_vit"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        LibTorch.Load();
        var video = golden.Config.GetProperty("modality").GetString() == "video";
        Names(golden, check, video ? WeightModality.Video : WeightModality.Audio);
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var encoder = Build(golden.Config, video);
        encoder.eval();
        (string Name, torch.Tensor Value)[] state = [.. StateNames.StateDict(encoder)];
        check.SameSequence("state names", state.Select(s => s.Name).Order(), golden.TensorNames.Where(n => n.StartsWith(State)).Select(n => n[State.Length..]).Order());
        foreach ((var name, var value) in state)
        {
            value.copy_(torch.tensor(golden.Floats(State + name)).reshape(golden.Shape(State + name)));
        }

        foreach (var name in GoldenModels.ViewNames(golden, check))
        {
            var tokens = encoder.call(torch.tensor(golden.Floats($"in/{name}")).reshape(golden.Shape($"in/{name}")));
            Compare($"out/{name}/features", tokens);
            Compare($"out/{name}/pool", EvaluationEncoder.Pool(encoder, tokens));
            foreach (var cls in new[] { "cls", "cls_intended" }.Where(c => golden.Has($"out/{name}/{c}")))
            {
                Compare($"out/{name}/{cls}", tokens.select(1, 0));
            }
        }

        void Compare(string name, torch.Tensor value) => check.Close(name, value.contiguous().data<float>().ToArray(), value.shape);
    }

    private static void Names(GoldenCase golden, GoldenCheck check, WeightModality modality)
    {
        var map = golden.Json.GetProperty("key_map").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
        string[] before = [.. golden.Json.GetProperty("keys_before").EnumerateArray().Select(k => k.GetString()!)];
        check.SameSequence("evaluation names", before.Select(WeightNames.ToEvaluation), before.Select(k => map[k]));
        check.SameSequence("evaluation names as a set", before.Select(WeightNames.ToEvaluation).Order(), golden.Json.GetProperty("keys_after").EnumerateArray().Select(k => k.GetString()!).Order());
        check.SameSequence("pre-training names", before.Select(k => WeightNames.ToCanonical(map[k], modality)), before);
    }

    private static ViT Build(GoldenField config, bool video)
    {
        var options = GoldenModels.Transformer(config.GetProperty("encoder"));
        var classToken = config.GetProperty("apply_cls_token").GetBoolean();
        return video ? new VideoViT(GoldenModels.Video(config), options, classToken) : new AudioViT(GoldenModels.Audio(config), options, classToken);
    }
}
