using System.Text.Json;
using Xkd.Model.Method;

namespace Xkd.Conformance.Topics;

/// <summary>The projector's names, outputs and gradients.</summary>
internal sealed class ProjectorTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["dino_head"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        using var scope = GoldenTensors.Scope();
        using var projector = new Projector(golden.Config.GetProperty("in_dim").GetInt32(), GoldenModels.Projector(golden.Config.GetProperty("kwargs")), golden.Device());
        GoldenTensors.LoadState(golden, check, projector);
        var parameters = StateNames.Parameters(projector);
        check.SameSequence("state_dict names", StateNames.StateDict(projector).Select(e => e.Name), Names(golden, "state_dict_names"));
        check.SameSequence("parameter names", parameters.Select(e => e.Name), Names(golden, "named_parameters"));
        check.SameSequence("fixed parameters", parameters.Where(e => !e.Value.requires_grad).Select(e => e.Name), Names(golden, "requires_grad_false"));

        var x = golden.Tensor("in/x").requires_grad_();
        check.Equal("batch", x.shape[0], golden.Config.GetProperty("batch").GetInt64());
        var y = projector.call(x);
        check.Close("out/y", y);
        check.Close("out/y_3d", projector.call(golden.Tensor("in/x_3d")));
        (y * golden.Tensor("in/cotangent")).sum().backward();
        check.Close("out/grad_x", x.grad!);
        foreach (var (name, parameter) in parameters.Where(e => e.Value.requires_grad))
        {
            check.Close("out/grad/" + name, parameter.grad!);
        }
    }

    private static IEnumerable<string> Names(GoldenCase golden, string field) => golden.Json.GetProperty(field).EnumerateArray().Select((JsonElement e) => e.GetString()!);
}
