using System.Text.Json;
using Xkd.Model.Method;
using static TorchSharp.torch;

namespace Xkd.Conformance.Topics;

/// <summary>One batch through the whole model: losses, head inputs and outputs, gradients, parameter groups and the clipping record.</summary>
internal sealed class XkdForwardTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["xkd_forward"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        using var scope = GoldenTensors.Scope();
        var aliases = GoldenTensors.Strings(golden, "aliases");
        var kwargs = golden.Config.GetProperty("fwd_kwargs");
        using var model = GoldenModels.Model(golden, config => config);
        GoldenTensors.LoadState(golden, check, model);
        using var step = new XkdStep(model);
        var parameters = StateNames.Parameters(model);
        CompareParameters(golden, check, step);
        GoldenModels.CheckViews(golden, check, "in/");
        GoldenModels.CheckForward(check, kwargs);
        check.Equal("epochs with a frozen last layer", kwargs.GetProperty("freeze_last_layer").GetInt32(), 0);
        const string Gradients = "out/grad/";
        check.SameSequence("gradients in full",
            golden.TensorNames.Where(n => n.StartsWith(Gradients, StringComparison.Ordinal)).Select(n => n[Gradients.Length..]).Order(StringComparer.Ordinal),
            golden.Config.GetProperty("full_grads").Strings().Where(n => !aliases.ContainsKey(n)).Order(StringComparer.Ordinal));

        var record = new StepRecord(model)
        {
            OnForward = output => CompareTerms(golden, check, output),
            OnGradients = () =>
            {
                foreach (var (name, parameter) in parameters.Where(e => golden.Has("out/grad/" + e.Name)))
                {
                    check.Close("out/grad/" + name, parameter.grad!);
                }
            },
        };
        step.Observer = record;
        using var losses = step.Differentiate([GoldenModels.Input(golden, "in/")],
            GoldenModels.Temperatures(kwargs.GetProperty("teacher_temp"), kwargs.GetProperty("student_temp")));
        XkdLossScalars.Compare(check, golden, losses.Read(), string.Empty, tight: true);
        check.Close("out/center/vt2as", model.VideoCenter);
        check.Close("out/center/at2vs", model.AudioCenter);

        var tolerance = check.OtherTolerance("grad_norms");
        check.SameMap("gradient norm", record.Before, golden.Json.GetProperty("grad_norms"), tolerance);
        check.SameSequence("parameters without gradient", record.Before.Where(e => e.Value == 0).Select(e => e.Key), Strings(golden.Json.GetProperty("params_without_grad")));
        var clip = golden.Json.GetProperty("clip");
        string[] visited = [.. Strings(clip.GetProperty("visited"))];
        check.Equal("clipped parameters", record.VisitedCount(record.Before.ContainsKey), visited.Length);
        check.Values("norms clipping saw", record.Seen(visited, aliases), [.. clip.GetProperty("norm_seen").EnumerateArray().Select(n => n.GetDouble())], tolerance);
        check.SameMap("clipped gradient norm", record.After, clip.GetProperty("grad_norms_after"), tolerance);
    }

    private static void CompareParameters(GoldenCase golden, GoldenCheck check, XkdStep step)
    {
        check.SameSequence("named parameters", StateNames.Parameters(step.Model).Select(e => $"{e.Name} [{string.Join(", ", e.Value.shape)}] {e.Value.requires_grad}"),
            golden.Json.GetProperty("named_parameters").EnumerateArray().Select(p => $"{p[0].GetString()} [{string.Join(", ", p[1].EnumerateArray())}] {p[2].GetBoolean()}"));
        var groups = golden.Json.GetProperty("param_groups");
        check.SameSequence("undecayed parameters", step.UndecayedParameters, Strings(groups.GetProperty("no_decay(group 0)")));
        check.SameSequence("decayed parameters", step.DecayedParameters, Strings(groups.GetProperty("decay(group 1)")));
        check.Equal("trainable parameters", step.TrainableCount, golden.Json.GetProperty("trainable_parameter_count").GetInt64());
    }

    private static void CompareTerms(GoldenCase golden, GoldenCheck check, XkdOutput output)
    {
        var branches = output.Branches!;
        foreach (var (name, teacher) in new[] { ("vid_teacher", branches.VideoTeacher), ("aud_teacher", branches.AudioTeacher) })
        {
            check.Close("out/head_in/" + name, teacher.Features);
            check.Close("out/head_out/" + name, teacher.Logits);
        }

        var batch = golden.Config.GetProperty("batch").GetInt64();
        foreach (var (name, student) in new[] { ("vid_student", branches.VideoStudent), ("aud_student", branches.AudioStudent) })
        {
            var local = student.Features.shape[0] - batch;
            check.Close($"out/head_in/{name}_global", student.Features.narrow(0, 0, batch));
            check.Close($"out/head_out/{name}_global", student.Logits.narrow(0, 0, batch));
            check.Close($"out/head_in/{name}_local", student.Features.narrow(0, batch, local));
            check.Close($"out/head_out/{name}_local", student.Logits.narrow(0, batch, local));
        }

        (string Name, Tensor Term)[] named = [.. XkdLossScalars.Names.Select(name => (name.Reference, output.Terms.Single(term => term.Name == name.Ours).Value)), ("loss", output.Loss)];
        HashSet<string> expected = [.. Strings(golden.Json.GetProperty("loss_terms_with_gradient"))];
        check.SameSequence("terms with gradient", named.Where(t => t.Term.requires_grad).Select(t => t.Name), named.Select(t => t.Name).Where(expected.Contains));
    }

    private static IEnumerable<string> Strings(JsonElement array) => array.EnumerateArray().Select(e => e.GetString()!);
}
