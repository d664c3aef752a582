using System.Text;
using System.Text.Json;
using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>The files of one run and the rule for starting, continuing or refusing it.</summary>
public sealed class RunFolder(string path)
{
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    // What may change between two starts of one run without changing what is learned.
    private static readonly string[] FreeKeys = ["train.", "data.workers", "data.readers", "data.prefetch_bytes", "data.on_corrupt", "data.frame_rule", "data.caches"];

    // What runs did before there was a key for it, where that is not the key's default.
    private static readonly (string Key, string Value)[] Unsaid = [("data.local_from", "clip")];

    /// <summary>The file of a verdict, in a run's folder or beside a page.</summary>
    internal const string VerdictName = "verdict.json";

    public string Path { get; } = path;

    /// <summary>The folder's own name.</summary>
    internal string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    public string Config => System.IO.Path.Combine(Path, "config.yaml");

    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    /// <summary>What the run's numbers say of it, in words.</summary>
    public string Verdict => System.IO.Path.Combine(Path, VerdictName);

    public string Events => System.IO.Path.Combine(Path, "tensorboard");

    /// <summary>Which run of an MLflow server this one is.</summary>
    internal string Mlflow => System.IO.Path.Combine(Path, "mlflow.json");

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
            var text = File.ReadAllText(OriginFile);
            var origin = JsonSerializer.Deserialize<RunOrigin>(text, JsonOptions);
            if (origin is { Caches: [] })
            {
                origin = origin with { Caches = [JsonSerializer.Deserialize<RunCache>(text, JsonOptions)!] }; // of a run of before there were several
            }

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

        var before = ConfigBinder.Leaves(ReadConfig()).ToDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal);
        var text = File.ReadAllText(Config);
        foreach ((var key, var value) in Unsaid.Where(u => !text.Contains(u.Key[(u.Key.IndexOf('.', StringComparison.Ordinal) + 1)..] + ":", StringComparison.Ordinal)))
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

        var other = Directory.EnumerateFileSystemEntries(Path).Select(entry => System.IO.Path.GetFileName(entry))
            .FirstOrDefault(name => name is not (RunLock.FileName or "run.json" or "checkpoints") && !name.EndsWith(".tmp", StringComparison.Ordinal))
            ?? (new CheckpointStore(Path).Steps().Any(step => step > 0) ? "checkpoints" : null);
        if (other is not null)
        {
            throw new UsageException($"{Path} holds other things and no run ({other} is one): name an empty or absent folder");
        }
    }

    private static void Write(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}

/// <summary>What a run was started on (<c>run.json</c>): it stays pinned to these versions, whatever is ingested later.</summary>
public sealed record RunOrigin
{
    public int Schema { get; init; } = 2;

    /// <summary>The caches, in the order of their clips.</summary>
    public IReadOnlyList<RunCache> Caches { get; init; } = [];

    /// <summary>Mean of the log-mel that the run subtracts; evaluation uses the same.</summary>
    public required double MelMean { get; init; }

    /// <summary>Standard deviation of the log-mel that the run divides by.</summary>
    public required double MelStd { get; init; }

    /// <summary><see cref="Torch.MklPath.Name"/> of the first start: on the same one a resumed run repeats every bit. Null without MKL, and in runs of before this was kept.</summary>
    public string? Mkl { get; init; }

    /// <summary>The weights that the run was started from, by the SHA-256 of their files; empty where it began with drawn values.</summary>
    public IReadOnlyDictionary<string, string> Weights { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>A cache that a run is trained on, and what of it.</summary>
public sealed record RunCache
{
    /// <summary>Full path at the start; a resumed run may name it elsewhere.</summary>
    public required string Cache { get; init; }

    /// <summary>How often its clips are drawn, beside the weights of the others; null where an epoch visits all.</summary>
    public double? Weight { get; init; }

    public required int ManifestVersion { get; init; }

    /// <summary>Clips that are trained on: those that the run's conditions select.</summary>
    public required int Clips { get; init; }

    /// <summary><see cref="Storage.Cache.ClipsHash"/> of them; null in runs of before this was kept.</summary>
    public string? ClipsSha256 { get; init; }

    /// <summary>Refuses other clips than the run was started on: the same step would mean other data.</summary>
    /// <exception cref="UsageException">It holds others.</exception>
    public void Require(Cache cache)
    {
        if (cache.Clips.Count != Clips || (ClipsSha256 is not null && cache.ClipsHash() != ClipsSha256))
        {
            throw new UsageException($"{cache.Path} version {ManifestVersion} holds {cache.Clips.Count} clips, which are not the {Clips} that the run was started on ({Cache}): "
                + "name that cache or a copy of it with --data, or train into another --out");
        }
    }
}

/// <summary>
/// The right to write a run folder, of one process at a time. It is a lock of the operating system's on <c>run.lock</c>, which ends with its holder, however that ends; the file stays, for one that
/// is removed could be locked twice.
/// </summary>
internal sealed class RunLock(string folder) : IDisposable
{
    public const string FileName = "run.lock";

    private const int WouldBlock = 11; // EAGAIN

    private FileStream? _file;

    public bool IsHeld => _file is not null;

    /// <summary>Takes it, in a folder that there is.</summary>
    /// <exception cref="FailureException">Another process has it.</exception>
    public void Take()
    {
        try
        {
            _file ??= new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1); // flock, exclusive and without waiting
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new FailureException($"{folder} is being trained into by another process; wait for its end and write --resume, or train into another --out", e);
        }
    }

    public void Dispose() => _file?.Dispose();
}
