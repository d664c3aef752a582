using System.Globalization;
using System.Text.Json;
using Xkd.Model.Evaluation;
using Xkd.Pipeline;

namespace Xkd.Cli.Evaluation;

/// <summary>What a retrieval leaves: <c>retrieval.json</c> and a page.</summary>
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
        Page(target, [("audio → video", audioToVideo), ("video → audio", videoToAudio)]).Save(Path.Combine(folder, EvaluationPage.FileName));
        return result;
    }

    private static HtmlReport Page(string target, IReadOnlyList<(string Way, RetrievalResult Result)> ways)
    {
        HtmlReport page = new($"XKD evaluation: retrieval of the same {target}");
        foreach ((var way, var result) in ways)
        {
            var (k, recall) = result.Recall.Last();
            var found = string.Create(
                CultureInfo.InvariantCulture, $"for {recall:f2} % of {result.Queries} queries the same {target} is among the first {k}, by chance {result.Chance[k]:f2} %");
            page.Verdict($"{way}: {found}; its median rank is {Number(result.MedianRank, "f1")}.", VerdictLevel.Plain);
        }

        int[] ranks = [.. ways[0].Result.Recall.Keys];
        return page.Heading("Recall among the first k, percent").Table(
            ["queries → found", .. ranks.SelectMany(k => (string[])[$"k = {k}", "chance"]), "median rank", "queries"],
            ways.Select(w => (string[])
                [
                    w.Way, .. ranks.SelectMany(k => (string[])[Number(w.Result.Recall[k], "f2"), Number(w.Result.Chance[k], "f2")]),
                    Number(w.Result.MedianRank, "f1"), $"{w.Result.Queries}",
                ]));
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static object Of(RetrievalResult r) => new
    {
        recall = r.Recall.ToDictionary(p => $"{p.Key}", p => p.Value, StringComparer.Ordinal),
        chance = r.Chance.ToDictionary(p => $"{p.Key}", p => p.Value, StringComparer.Ordinal),
        median_rank = r.MedianRank,
        queries = r.Queries,
    };
}
