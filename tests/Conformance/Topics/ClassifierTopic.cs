using TorchSharp;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;

namespace Xkd.Conformance;

/// <summary>The classifier head under every combination of its options, and batch norm's training mode.</summary>
internal sealed class ClassifierTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["classifier"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        LibTorch.Load();
        int features = golden.Config.GetProperty("feat_dim").GetInt32(), classes = golden.Config.GetProperty("num_classes").GetInt32();
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var x = Tensor(golden, "in/x");
        check.Equal("batch", x.shape[0], golden.Config.GetProperty("batch").GetInt64());
        foreach (var combo in golden.Config.GetProperty("combos").EnumerateObject())
        {
            using ClassifierHead head = new(features, classes, new HeadSection
            {
                BatchNorm = combo.Value.GetProperty("use_bn").GetBoolean(),
                UnitLength = combo.Value.GetProperty("l2_norm").GetBoolean(),
                Dropout = combo.Value.GetProperty("use_dropout").GetBoolean() ? 0.5 : 0,
            });
            var prefix = $"state/{combo.Name}/";
            var state = head.state_dict();
            check.SameSequence($"{combo.Name} state names", state.Keys.Order(), golden.TensorNames.Where(n => n.StartsWith(prefix)).Select(n => n[prefix.Length..]).Order());
            var weight = state["classifier.weight"];
            var gram = classes <= features ? weight.mm(weight.t()) : weight.t().mm(weight);
            check.Values($"{combo.Name} initial weight is orthogonal", [(gram - torch.eye(gram.shape[0])).abs().max().item<float>()], [0], new Tolerance(0, 1e-5, 0, 0));
            foreach ((var name, var value) in state)
            {
                value.copy_(Tensor(golden, prefix + name));
            }

            head.eval();
            Compare($"out/{combo.Name}/logits", head.forward(x));
            if (golden.Has($"out/{combo.Name}/logits_train_mode"))
            {
                head.train();
                Compare($"out/{combo.Name}/logits_train_mode", head.forward(x));
                Compare($"out/{combo.Name}/running_mean_after", state["bn.running_mean"]);
                Compare($"out/{combo.Name}/running_var_after", state["bn.running_var"]);
            }
        }

        void Compare(string name, torch.Tensor value) => check.Close(name, value.contiguous().data<float>().ToArray(), value.shape);
    }

    private static torch.Tensor Tensor(GoldenCase golden, string name) => golden.Dtype(name) == "I64"
        ? torch.tensor(golden.Int64s(name)).reshape(golden.Shape(name))
        : torch.tensor(golden.Floats(name)).reshape(golden.Shape(name));
}
