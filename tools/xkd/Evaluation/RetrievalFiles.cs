using System.Text.Json;
using Xkd.Model.Evaluation;

namespace Xkd.Cli.Evaluation;

/// <summary>What a retrieval leaves: <c>retrieval.json</c>.</summary>
internal static class RetrievalFiles
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Both sets with labels by one list of names.</summary>
    public static (FeatureSet A, FeatureSet B) SameClasses(FeatureSet a, FeatureSet b)
    {
        string[] names = [.. a.ClassNames.Union(b.ClassNames, StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return (With(a), With(b));

        FeatureSet With(FeatureSet set) => set with
        {
            ClassNames = names,
            Labels = [.. set.Labels.Select(l => l < 0 ? -1 : Array.BinarySearch(names, set.ClassNames[l], StringComparer.Ordinal))],
        };
    }

    public static async Task<object> WriteAsync(string folder, string target, RetrievalResult audioToVideo, RetrievalResult videoToAudio, CancellationToken stop)
    {
        Directory.CreateDirectory(folder);
        object result = new { schema = 1, target, audio_to_video = Of(audioToVideo), video_to_audio = Of(videoToAudio) };
        await File.WriteAllTextAsync(Path.Combine(folder, "retrieval.json"), JsonSerializer.Serialize(result, Indented) + "\n", stop).ConfigureAwait(false);
        return result;
    }

    private static object Of(RetrievalResult r) => new
    {
        recall = r.Recall.ToDictionary(p => $"{p.Key}", p => p.Value, StringComparer.Ordinal), median_rank = r.MedianRank, queries = r.Queries,
    };
}
