using System.Text;
using System.Text.Json;
using Xkd.Model.Configuration;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>The files of one run and the rule for starting, continuing or refusing it.</summary>
public sealed class RunFolder(string path)
{
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    // What may change between two starts of one run without changing what is learned.
    private static readonly string[] FreeKeys = ["train.", "data.workers", "data.readers", "data.prefetch_bytes", "data.on_corrupt", "data.frame_rule"];

    // What runs did before there was a key for it, where that is not the key's default.
    private static readonly (string Key, string Value)[] Unsaid = [("data.local_from", "clip")];

    public string Path { get; } = path;

    public string Config => System.IO.Path.Combine(Path, "config.yaml");

    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    public string Events => System.IO.Path.Combine(Path, "tensorboard");

    private string OriginFile => System.IO.Path.Combine(Path, "run.json");

    public bool HasRun => File.Exists(Config);

    /// <summary>The effective configuration that the run was started with.</summary>
    /// <exception cref="UsageException">This is not a run folder.</exception>
    public PretrainConfig ReadConfig() => HasRun
        ? PretrainConfig.LoadOfRun(Config)
        : throw new UsageException($"{Path} is not a run folder: it has no config.yaml; `xkd train --out` makes one");

    /// <summary>What the run was started on; null when there is none yet.</summary>
    /// <exception cref="FailureException">The file is not what a start writes.</exception>
    public RunOrigin? ReadOrigin()
    {
        if (!File.Exists(OriginFile))
        {
            return null;
        }

        try
        {
            RunOrigin? origin = JsonSerializer.Deserialize<RunOrigin>(File.ReadAllText(OriginFile), JsonOptions);
            return origin is { MelStd: > 0 and < double.MaxValue, MelMean: > double.MinValue and < double.MaxValue }
                ? origin
                : throw new FailureException($"{OriginFile} is damaged: mel_mean and mel_std are not those of any audio; restore the file");
        }
        catch (JsonException e)
        {
            throw new FailureException($"{OriginFile} is damaged: {e.Message} Restore the file, or train into another --out", e);
        }
    }

    /// <summary>Refuses a folder that holds other things, or a run already when none is to be continued, and a configuration that has drifted from the run's.</summary>
    /// <exception cref="UsageException">Each key that differs is named with both values.</exception>
    public void Check(PretrainConfig config, bool resume)
    {
        if (!HasRun)
        {
            RequireRoom();
            return;
        }

        if (!resume)
        {
            throw new UsageException($"{Path} already holds a run; write --resume to continue it, or another --out");
        }

        Dictionary<string, string> before = ConfigBinder.Leaves(ReadConfig()).ToDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal);
        string text = File.ReadAllText(Config);
        foreach ((string key, string value) in Unsaid.Where(u => !text.Contains(u.Key[(u.Key.IndexOf('.', StringComparison.Ordinal) + 1)..] + ":", StringComparison.Ordinal)))
        {
            before[key] = value;
        }

        List<string> drift = [.. ConfigBinder.Leaves(config)
            .Where(l => !FreeKeys.Any(free => l.Key.StartsWith(free, StringComparison.Ordinal)) && before[l.Key] != l.Value)
            .Select(l => $"{l.Key} was {before[l.Key]}, now {l.Value}")];
        if (drift.Count > 0)
        {
            throw new UsageException($"{Path} was started with another configuration; restore the keys, or train into another --out\n  " + string.Join("\n  ", drift));
        }
    }

    /// <summary>Makes the folder of a new run; the configuration comes last, so that a folder with one is whole.</summary>
    /// <param name="config">Written out whole.</param>
    /// <param name="origin">What it is started on.</param>
    /// <param name="writer">Taken first of all.</param>
    /// <param name="checkpoint">Writes the run's first checkpoint.</param>
    /// <exception cref="FailureException">Another process begins a run there, or has.</exception>
    internal void Begin(PretrainConfig config, RunOrigin origin, RunLock writer, Action checkpoint)
    {
        Directory.CreateDirectory(Path);
        writer.Take();
        if (HasRun)
        {
            throw new FailureException($"another process has begun a run in {Path} meanwhile; write --resume to continue it, or train into another --out");
        }

        Write(OriginFile, JsonSerializer.Serialize(origin, JsonOptions));
        checkpoint();
        Write(Config, ConfigBinder.ToYaml(config));
    }

    // A start that was ended before its configuration was written leaves its lock and what Begin writes, and no step.
    private void RequireRoom()
    {
        if (File.Exists(Path))
        {
            throw new UsageException($"{Path} is a file; name a folder for the run");
        }

        if (!Directory.Exists(Path))
        {
            return;
        }

        string? other = Directory.EnumerateFileSystemEntries(Path).Select(entry => System.IO.Path.GetFileName(entry))
            .FirstOrDefault(name => name is not (RunLock.FileName or "run.json" or "checkpoints") && !name.EndsWith(".tmp", StringComparison.Ordinal))
            ?? (new CheckpointStore(Path).Steps().Any(step => step > 0) ? "checkpoints" : null);
        if (other is not null)
        {
            throw new UsageException($"{Path} holds other things and no run ({other} is one): name an empty or absent folder");
        }
    }

    private static void Write(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
