using Xkd.Model.Method;

namespace Xkd.Conformance.Topics;

/// <summary>A few complete steps: losses, gradient and clip norms of each, then every parameter, centre and moment.</summary>
internal sealed class XkdTrainTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["xkd_train"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        using var scope = GoldenTensors.Scope();
        var aliases = GoldenTensors.Strings(golden, "aliases");
        GoldenField config = golden.Config, kwargs = config.GetProperty("fwd_kwargs");
        var betas = config.GetProperty("betas");
        using var model = GoldenModels.Model(golden, own => own with { Optim = own.Optim with { Betas = [betas[0].GetDouble(), betas[1].GetDouble()] } });
        GoldenTensors.LoadState(golden, check, model, absent: name => name.Contains("_teacher.", StringComparison.Ordinal) || name.EndsWith(".center", StringComparison.Ordinal));
        model.CopyStudentsToTeachers();
        using var step = new XkdStep(model);

        var steps = config.GetProperty("schedules").GetProperty("lr").GetArrayLength();
        check.Equal("steps", steps, config.GetProperty("epochs").GetInt32() * config.GetProperty("iters_per_epoch").GetInt32());
        GoldenModels.CheckForward(check, kwargs);
        config.Describes("full_grads"); // recorded by the forward cases; here all gradients come as norms
        string[] visited = [.. golden.Json.GetProperty("clip_visited").EnumerateArray().Select(n => n.GetString()!)];
        for (var index = 0; index < steps; index++)
        {
            GoldenModels.CheckViews(golden, check, $"in/step{index}/");
            var record = new StepRecord(model);
            step.Observer = record;
            using var losses = step.Run(GoldenModels.Input(golden, $"in/step{index}/"), Schedule(config, index));
            XkdLossScalars.Compare(check, golden, losses.Read(), $"step{index}/", tight: index == 0);
            var tolerance = check.OtherTolerance("grad_norms_per_step", index);
            check.SameMap($"step {index} gradient norm", record.Before, golden.Json.GetProperty("grad_norms_per_step")[index], tolerance);
            check.Values($"step {index} norms clipping saw", record.Seen(visited, aliases),
                [.. golden.Json.GetProperty("clip_norms_per_step")[index].EnumerateArray().Select(n => n.GetDouble())], tolerance);
        }

        CompareFinal(golden, check, step);
    }

    private static StepSchedule Schedule(GoldenField config, int index)
    {
        var epoch = index / config.GetProperty("iters_per_epoch").GetInt32();
        GoldenField temperatures = config.GetProperty("temps")[epoch], schedules = config.GetProperty("schedules");
        return new StepSchedule
        {
            LearningRate = schedules.GetProperty("lr")[index].GetDouble(),
            WeightDecay = schedules.GetProperty("wd")[index].GetDouble(),
            VideoEma = schedules.GetProperty("vid_ema")[index].GetDouble(),
            AudioEma = schedules.GetProperty("aud_ema")[index].GetDouble(),
            Temperatures = GoldenModels.Temperatures(temperatures.GetProperty("teacher"), temperatures.GetProperty("student")),
            FreezeLastLayer = epoch < config.GetProperty("fwd_kwargs").GetProperty("freeze_last_layer").GetInt32(),
        };
    }

    private static void CompareFinal(GoldenCase golden, GoldenCheck check, XkdStep step)
    {
        foreach (var (name, value) in StateNames.StateDict(step.Model).Where(e => golden.Has("final/" + e.Name)))
        {
            check.Close("final/" + name, value);
        }

        var state = step.ExportState().ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal);
        const string Mean = "adamw/mean/", Variance = "adamw/variance/";
        foreach (var name in state.Keys.Where(n => n.StartsWith(Mean, StringComparison.Ordinal)).Select(n => n[Mean.Length..]).Where(n => golden.Has($"optim/{n}/exp_avg")))
        {
            check.Close($"optim/{name}/exp_avg", state[Mean + name]);
            check.Close($"optim/{name}/exp_avg_sq", state[Variance + name]);
        }

        double steps = state["adamw/steps"].item<float>(), lastLayer = state["adamw/last_layer_steps"].item<float>();
        check.SameSequence("optimizer step counts", new[] { steps, lastLayer }.Distinct().Order(),
            golden.Json.GetProperty("optimizer_step_counts").EnumerateArray().Select(n => n.GetDouble()).Order());
        var lagging = StateNames.Parameters(step.Model).Where(e => steps != lastLayer && e.Value.requires_grad && e.Name.Contains("_student.head.last_layer.", StringComparison.Ordinal))
            .ToDictionary(e => e.Name, _ => lastLayer, StringComparer.Ordinal);
        check.SameMap("optimizer steps of", lagging, golden.Json.GetProperty("optimizer_steps_by_param"), new Tolerance(0, 0, 0, 0));
    }
}
