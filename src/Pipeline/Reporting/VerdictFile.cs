using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary><c>verdict.json</c> beside a run, in sentences: <c>learned</c>, <c>collapsed</c> by modality, <c>bottleneck</c>, <c>advice</c>.</summary>
public static class VerdictFile
{
    public const string Name = "verdict.json";

    /// <summary>The sentences of the file in <paramref name="folder"/>; empty where there is none. What it leaves out or undecided is not said.</summary>
    /// <exception cref="FailureException">It is not JSON of that kind.</exception>
    public static IReadOnlyList<(string Sentence, VerdictLevel Level)> Read(string folder)
    {
        var path = Path.Combine(folder, Name);
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return [.. Sentences(json.RootElement)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FailureException($"{path} is damaged: {e.Message}", e);
        }
    }

    private static IEnumerable<(string Sentence, VerdictLevel Level)> Sentences(JsonElement verdict)
    {
        if (Said(verdict, "learned", "It learned.", "It did not learn.", VerdictLevel.Good, VerdictLevel.Bad) is { } learned)
        {
            yield return learned;
        }

        foreach (var modality in verdict.TryGetProperty("collapsed", out var collapsed) ? collapsed.EnumerateObject() : default)
        {
            var (yes, no) = ($"The {modality.Name} features collapsed.", $"The {modality.Name} features did not collapse.");
            if (Said(collapsed, modality.Name, yes, no, VerdictLevel.Bad, VerdictLevel.Good) is { } found)
            {
                yield return found;
            }
        }

        if (Said(verdict, "bottleneck", string.Empty, string.Empty, VerdictLevel.Plain, VerdictLevel.Plain) is { } bottleneck)
        {
            yield return bottleneck;
        }

        foreach (var advice in verdict.TryGetProperty("advice", out var all) ? all.EnumerateArray() : default)
        {
            yield return (advice.GetString()!, VerdictLevel.Warning);
        }
    }

    // A flag has a sentence for either value, a text is one.
    private static (string Sentence, VerdictLevel Level)? Said(JsonElement verdict, string name, string yes, string no, VerdictLevel good, VerdictLevel bad) =>
        !verdict.TryGetProperty(name, out var value) ? null : value.ValueKind switch
        {
            JsonValueKind.True => (yes, good),
            JsonValueKind.False => (no, bad),
            JsonValueKind.Null => null,
            _ => (value.GetString()!, VerdictLevel.Plain),
        };
}
