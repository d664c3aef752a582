using System.Text.Json;

namespace Xkd.Conformance;

/// <summary>Runs one case and words its verdict.</summary>
internal static class GoldenRunner
{
    private const int ShownFailures = 6;

    public static (string Line, bool Passed) Run(IReadOnlyList<IGoldenTopic> topics, string topic, string directory, JsonElement json, string device)
    {
        var id = json.GetProperty("id").GetString()!;
        var runner = topics.FirstOrDefault(t => t.Topics.Contains(topic, StringComparer.Ordinal));
        if (runner is null)
        {
            return ($"FAIL {id}: no code runs topic {topic}", false);
        }

        try
        {
            GoldenCase golden = new(directory, json, device);
            GoldenCheck check = new(golden);
            runner.Run(golden, check);
            check.Complete();
            var excuses = string.Concat(check.Excuses.Select(e => $"\n     not compared: {e}"));
            return check.Failures.Count == 0
                ? ($"PASS {id} ({check.Comparisons} comparisons, worst {check.Worst:f2} of its tolerance){excuses}", true)
                : ($"FAIL {id}: {string.Join("\n     ", check.Failures.Take(ShownFailures))}" +
                    (check.Failures.Count > ShownFailures ? $"\n     … and {check.Failures.Count - ShownFailures} more" : string.Empty) + excuses, false);
        }
#pragma warning disable CA1031 // A case that cannot run is a failed case; the next one still has its say.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return ($"FAIL {id}: {e}", false);
        }
    }
}
