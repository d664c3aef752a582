using Xkd.Model.Method;

namespace Xkd.Conformance.Topics;

/// <summary>Cosine and temperature schedules in double precision.</summary>
internal sealed class ScheduleTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["schedules"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        foreach (var entry in golden.Config.GetProperty("cosine").EnumerateObject())
        {
            double Number(string name) => entry.Value.GetProperty(name).GetDouble();
            var perEpoch = (long)Number("niter_per_ep");
            var schedule = new CosineSchedule(Number("base_value"), Number("final_value"), (long)Number("epochs") * perEpoch,
                (long)Number("warmup_epochs") * perEpoch, Number("start_warmup_value"));
            check.Close("out/" + entry.Name, Values(schedule.Steps, schedule.At));
        }

        foreach (var entry in golden.Config.GetProperty("teacher_temp").EnumerateObject())
        {
            double Number(string name) => entry.Value.GetProperty(name).GetDouble();
            var schedule = new TemperatureSchedule(Number("warmup_teacher_temp"), Number("teacher_temp"), (int)Number("warmup_teacher_temp_epochs"), (int)Number("num_epochs"));
            check.Close("out/" + entry.Name, Values(schedule.Epochs, epoch => schedule.At((int)epoch)));
        }
    }

    private static double[] Values(long count, Func<long, double> at) => [.. Enumerable.Range(0, (int)count).Select(i => at(i))];
}
