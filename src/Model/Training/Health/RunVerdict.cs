using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>Whether a run learns, in words: what <c>verdict.json</c> holds and a report begins with.</summary>
public sealed record RunVerdict
{
    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // a file, not a page
    };

    /// <summary>Version of the file's fields.</summary>
    [JsonPropertyOrder(-1)]
    public int Schema => 1;

    /// <summary>Every term that is trained is better than a guess, and nothing was found wrong.</summary>
    public required bool Learned { get; init; }

    /// <summary>Which modality's networks give the same answer for every clip.</summary>
    public required CollapsedModalities Collapsed { get; init; }

    /// <summary>What the run waits for, in words.</summary>
    public required string Bottleneck { get; init; }

    /// <summary>One sentence.</summary>
    public required string Summary { get; init; }

    /// <summary>What is wrong, the gravest first.</summary>
    public required IReadOnlyList<HealthFinding> Findings { get; init; }

    /// <summary>What to do about it, in the order of the findings.</summary>
    public IEnumerable<string> Advice => Findings.Select(finding => finding.Advice);

    /// <summary>What has been found and judged so far, without its numbers: where it changes, the run has turned.</summary>
    internal string State { get; init; } = string.Empty;

    /// <summary>Puts it on a page, above all else.</summary>
    /// <param name="page">Where to.</param>
    /// <param name="run">The run's name, where the page has several; else null.</param>
    public void AddTo(HtmlReport page, string? run = null)
    {
        ArgumentNullException.ThrowIfNull(page);
        var prefix = run is null ? string.Empty : $"{run}: ";
        if (Findings.Count == 0)
        {
            page.Verdict($"{prefix}{Summary}", Learned ? VerdictLevel.Good : VerdictLevel.Plain);
        }

        foreach (var finding in Findings)
        {
            page.Verdict($"{prefix}{finding.Sentence} {finding.Advice}", Learned ? VerdictLevel.Warning : VerdictLevel.Bad);
        }

        page.Verdict($"{prefix}Bottleneck: {Bottleneck}.", VerdictLevel.Plain);
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Write(string path) => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, JsonOptions));
}

/// <summary>Which modality's networks give the same answer for every clip.</summary>
public sealed record CollapsedModalities(bool Video, bool Audio);

/// <summary>One thing that is wrong with a run.</summary>
/// <param name="Name">A short name that does not change, such as <c>temperature</c>.</param>
/// <param name="Sentence">What was seen, with numbers.</param>
/// <param name="Advice">What to do, naming the configuration key.</param>
public sealed record HealthFinding(string Name, string Sentence, string Advice);
