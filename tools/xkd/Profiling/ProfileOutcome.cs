using Xkd.Pipeline;

namespace Xkd.Cli.Profiling;

/// <summary>What one profile measured.</summary>
internal sealed record ProfileOutcome
{
    /// <summary>decode, mel, ingest, loader, step or train.</summary>
    public required string What { get; init; }

    /// <summary>Clips, windows or samples.</summary>
    public required long Samples { get; init; }

    /// <summary>Where it ran.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads or processes at work.</summary>
    public required int Threads { get; init; }

    /// <summary>Where the time went.</summary>
    public required GraphReport Report { get; init; }

    /// <summary>Figures of this profile alone, by their name in the JSON.</summary>
    public IReadOnlyDictionary<string, double> Figures { get; init; } = new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>The same measured at several settings, each its figures by name; empty without a sweep.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, object>> Sweep { get; init; } = [];

    /// <summary>Figures of this profile that come in several, by name and key.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Tables { get; init; } = new Dictionary<string, IReadOnlyDictionary<string, double>>(StringComparer.Ordinal);

    /// <summary>The same comparison in words, one line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Writes the stage spans as a Chrome trace.</summary>
    public required Action<Stream> WriteTrace { get; init; }

    /// <summary>Of train: the rate on a batch that stays over the rate with the feed. Otherwise null.</summary>
    public double? MeasuredHeadspace { get; init; }

    /// <summary>Of train: the median of its rounds. Otherwise null.</summary>
    public double? MeasuredRate { get; init; }

    public double Rate => MeasuredRate ?? (Report.Seconds > 0 ? Samples / Report.Seconds : 0);

    /// <summary>
    /// How many times the rate would grow: with a perfect feed where that was measured, otherwise at most, if the bottleneck cost nothing (its
    /// utilisation over the next one's).
    /// </summary>
    public double Headspace => MeasuredHeadspace ?? Bound();

    private double Bound()
    {
        double[] busiest = [.. Report.Stages.Select(s => s.Utilisation).OrderDescending()];
        return busiest.Length > 1 && busiest[1] > 0 ? busiest[0] / busiest[1] : 1;
    }
}
