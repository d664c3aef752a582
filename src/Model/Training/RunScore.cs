using System.Globalization;
using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>A score that an evaluation left in a run's folder.</summary>
internal sealed record RunScore(string What, string Value)
{
    private static readonly string[] Identity = ["dataset", "protocol", "modality", "branch"];

    private static readonly EnumerationOptions Walk = new()
    {
        RecurseSubdirectories = true, MaxRecursionDepth = 4, AttributesToSkip = FileAttributes.ReparsePoint,
    };

    /// <summary>Of every <c>results.json</c> at most four folders below.</summary>
    /// <exception cref="FailureException">One of them is not an evaluation's.</exception>
    public static IReadOnlyList<RunScore> Find(string folder) =>
        [.. Directory.EnumerateFiles(folder, "results.json", Walk).Order(StringComparer.Ordinal).Select(Read)];

    private static RunScore Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            string[] what = [.. Identity.Select(name => json.RootElement.GetProperty(name).GetString()!)];
            var fold = json.RootElement.TryGetProperty("fold", out var number) && number.ValueKind == JsonValueKind.Number ? $" fold {number}" : string.Empty;
            var value = json.RootElement.GetProperty("value").GetDouble().ToString("f2", CultureInfo.InvariantCulture);
            return new RunScore($"{string.Join(' ', what)}{fold}: {json.RootElement.GetProperty("metric").GetString()}, %", value);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FailureException($"{path} is not what an evaluation writes: {e.Message}", e);
        }
    }
}
