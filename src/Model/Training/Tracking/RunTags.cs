using System.Globalization;
using System.Reflection;
using Xkd.Model.Ranks;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>What a tracking server is told of a run beside its configuration, under MLflow's names where it has one.</summary>
internal static class RunTags
{
    public static IEnumerable<(string Key, string Value)> Of(RunFolder run, IReadOnlyList<MixMember> mix, RankGroup ranks, Device device)
    {
        var version = typeof(RunTags).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        yield return ("mlflow.runName", run.Name);
        yield return ("mlflow.source.name", "xkd train");
        yield return ("mlflow.source.type", "LOCAL");
        yield return ("mlflow.user", Environment.UserName);
        if (version.IndexOf('+', StringComparison.Ordinal) is > 0 and var at)
        {
            yield return ("mlflow.source.git.commit", version[(at + 1)..]);
        }

        yield return ("xkd.version", version);
        yield return ("xkd.run", System.IO.Path.GetFullPath(run.Path));
        yield return ("xkd.caches", RunData.Describe(mix));
        yield return ("xkd.ranks", ranks.Size.ToString(CultureInfo.InvariantCulture));
        yield return ("xkd.device", device.ToString());
    }
}
