using Xkd.Model.Evaluation;

namespace Xkd.Conformance;

/// <summary>Learning-rate arrays of linear evaluation and fine-tuning.</summary>
internal sealed class EvaluationSchedulesTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["eval_schedules"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        foreach (var kind in golden.Config.EnumerateObject())
        {
            foreach (var setting in kind.Value.EnumerateObject())
            {
                var s = setting.Value;
                int epochs = s.GetProperty("num_epochs").GetInt32(), steps = s.GetProperty("iter_per_epoch").GetInt32();
                var warmupEpochs = s.GetProperty("warmup_epochs").GetInt32();
                double warmup = s.GetProperty("warmup_lr").GetDouble(), rate = s.GetProperty("base_lr").GetDouble();
                var values = kind.Name switch
                {
                    "warmup_cosine" => EvaluationSchedules.WarmupCosine(epochs, steps, warmupEpochs, warmup, rate, s.GetProperty("final_lr").GetDouble()),
                    "warmup_multistep" => EvaluationSchedules.WarmupMultiStep(
                        epochs, steps, warmupEpochs, warmup, rate, s.GetProperty("milestones").Ints(), s.GetProperty("gamma").GetDouble()),
                    "warmup_fixed" => EvaluationSchedules.WarmupFixed(epochs, steps, warmupEpochs, warmup, rate),
                    _ => throw new InvalidDataException($"no schedule is called {kind.Name}"),
                };
                check.Close($"out/{kind.Name}_{setting.Name}", values, [values.Length]);
            }
        }
    }
}
