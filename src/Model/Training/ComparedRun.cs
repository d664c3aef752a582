using System.Globalization;
using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>A run as a page shows it.</summary>
internal sealed record ComparedRun
{
    public required string Name { get; init; }

    public required IReadOnlyList<StepMetrics> Steps { get; init; }

    /// <summary>The configuration, every key.</summary>
    public required IReadOnlyDictionary<string, string> Config { get; init; }

    /// <summary>Cache and manifest version of each cache.</summary>
    public required string Caches { get; init; }

    public required string Clips { get; init; }

    /// <summary>Files that it was started from, by name.</summary>
    public required string StartedFrom { get; init; }

    /// <summary>Version and commit of the program that wrote the newest checkpoint.</summary>
    public required string Version { get; init; }

    public required IReadOnlyList<RunScore> Scores { get; init; }

    public required RunVerdict Verdict { get; init; }

    public long LastStep => Steps.Count == 0 ? 0 : Steps[^1].Step;

    /// <summary>Time of all steps; pauses between the starts of a run do not count.</summary>
    public TimeSpan Took => TimeSpan.FromMilliseconds(Steps.Sum(s => s.Ms));

    /// <exception cref="UsageException">The folder is no run.</exception>
    /// <exception cref="FailureException">A file of it is damaged.</exception>
    public static ComparedRun Open(string folder, string name)
    {
        RunFolder run = new(folder);
        var config = run.ReadConfig();
        var origin = run.ReadOrigin();
        CheckpointStore checkpoints = new(folder);
        var steps = MetricsLog.Read(run.Metrics);
        return new ComparedRun
        {
            Name = name,
            Steps = steps,
            Config = ConfigBinder.Leaves(config).ToDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal),
            Caches = string.Join(", ", origin?.Caches.Select(Describe) ?? []),
            Clips = string.Join(", ", origin?.Caches.Select(c => $"{c.Clips}") ?? []),
            StartedFrom = origin is { Weights.Count: > 0 } ? string.Join(", ", origin.Weights.Keys) : "drawn values",
            Version = checkpoints.Steps() is [var newest, ..] ? Short(CheckpointVerifier.Read(checkpoints.PathOf(newest)).CodeVersion) : string.Empty,
            Scores = RunScore.Find(folder),
            Verdict = RunHealth.Of(config, steps),
        };
    }

    /// <summary><see cref="Took"/> in hours, minutes and seconds.</summary>
    public string Time => string.Create(CultureInfo.InvariantCulture, $"{(long)Took.TotalHours}:{Took.Minutes:00}:{Took.Seconds:00}");

    private static string Describe(RunCache cache) =>
        string.Create(CultureInfo.InvariantCulture, $"{cache.Cache} version {cache.ManifestVersion}{(cache.Weight is { } w ? $" at weight {w}" : "")}");

    // Version and the first digits of the commit, as git shows it.
    private static string Short(string version) =>
        version.IndexOf('+', StringComparison.Ordinal) is >= 0 and var plus ? version[..Math.Min(version.Length, plus + 11)] : version;
}
