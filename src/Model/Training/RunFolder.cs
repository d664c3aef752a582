using Xkd.Model.Configuration;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>The files of one run and the rule for starting, continuing or refusing it.</summary>
public sealed class RunFolder(string path)
{
    // What may change between two starts of one run without changing what is learned.
    private static readonly string[] FreeKeys = ["train.", "data.workers", "data.prefetch_bytes", "data.on_corrupt"];

    public string Path { get; } = path;

    public string Config => System.IO.Path.Combine(Path, "config.yaml");

    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    public string Events => System.IO.Path.Combine(Path, "tensorboard");

    public bool HasRun => File.Exists(Config);

    /// <summary>The effective configuration that the run was started with.</summary>
    /// <exception cref="UsageException">This is not a run folder.</exception>
    public PretrainConfig ReadConfig() => HasRun
        ? PretrainConfig.Load(Config)
        : throw new UsageException($"{Path} is not a run folder: it has no config.yaml; `xkd train --out` makes one");

    /// <summary>Writes the effective configuration of a new run, or checks that a continued one has not drifted.</summary>
    /// <exception cref="UsageException">The folder holds a run already and none was to be continued, or keys differ; each is named with both values.</exception>
    public void Begin(PretrainConfig config, bool resume)
    {
        if (!HasRun)
        {
            Directory.CreateDirectory(Path);
            string temporary = Config + ".tmp";
            File.WriteAllText(temporary, ConfigBinder.ToYaml(config));
            File.Move(temporary, Config);
            return;
        }

        if (!resume)
        {
            throw new UsageException($"{Path} already holds a run; write --resume to continue it, or another --out");
        }

        Dictionary<string, string> before = ConfigBinder.Leaves(ReadConfig()).ToDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal);
        List<string> drift = [.. ConfigBinder.Leaves(config)
            .Where(l => !FreeKeys.Any(free => l.Key.StartsWith(free, StringComparison.Ordinal)) && before[l.Key] != l.Value)
            .Select(l => $"{l.Key} was {before[l.Key]}, now {l.Value}")];
        if (drift.Count > 0)
        {
            throw new UsageException($"{Path} was started with another configuration; restore the keys, or train into another --out\n  " + string.Join("\n  ", drift));
        }
    }
}
