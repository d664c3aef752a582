using System.Text.Json;
using System.Text.RegularExpressions;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Model.Tests.Training;

/// <summary>Runs side by side: what may be compared is, and what may not is left out and said.</summary>
[Collection(nameof(AloneCollection))]
public sealed class RunReportTests
{
    [Fact]
    public async Task Write_RunsOfOneName_AreToldApartAndComparedOverTheSameSteps()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config();
        await small.TrainAsync(config, "a/run", 3);
        await small.TrainAsync(config with { Optim = config.Optim with { Lr = 1e-3 } }, "b/run", 5);
        var page = Page(small, "a/run", "b/run");
        Assert.Contains("<h1>XKD runs a/run, b/run</h1>", page, StringComparison.Ordinal);
        Assert.Contains("<div class=\"verdict plain\">a/run: Too early to tell: ", page, StringComparison.Ordinal);
        Assert.Contains("Shown are the 3 steps that all runs have", page, StringComparison.Ordinal);

        var loss = Charts(page)[0];
        Assert.Equal("loss: weighted mean of the terms", loss.GetProperty("title").GetString());
        Assert.Equal("[0,3]", loss.GetProperty("range").GetRawText());
        Assert.Equal(
            ["a/run 3", "b/run 5"],
            loss.GetProperty("series").EnumerateArray().Select(s => $"{s.GetProperty("name").GetString()} {s.GetProperty("y").GetArrayLength()}"));
        var mean = small.Metrics("b/run").Take(3).Average(s => s.Loss).ToString("g5", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Contains("Means over steps 1 to 3, which all runs have", page, StringComparison.Ordinal);
        Assert.Matches($"<td>loss: weighted mean of the terms</td><td class=n>[^<]+</td><td class=n>{Regex.Escape(mean)}</td>", page);
        Assert.Contains("<td>optim.lr</td><td class=n>0.003</td><td class=n>0.001</td>", page, StringComparison.Ordinal);
        Assert.Contains($"<td>caches</td><td>{small.Cache} version 1</td><td>{small.Cache} version 1</td>", page, StringComparison.Ordinal);
        Assert.Matches(@"<td>program version</td><td>0\.1\.0(\+[0-9a-f]{10})?</td>", page);
    }

    [Fact]
    public async Task Write_RunsOfOtherWeights_DoNotCompareTheTotalLoss()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        var config = SmallRun.Config();
        await small.TrainAsync(config, "xkd", 2);
        await small.TrainAsync(config with { Objective = config.Objective with { Align = 0 } }, "kd", 2);
        var page = Page(small, "xkd", "kd");
        Assert.Contains("The total loss is not compared: the terms are not weighted or computed alike (objective.align).", page, StringComparison.Ordinal);
        string[] titles = [.. Charts(page).Select(c => c.GetProperty("title").GetString()!)];
        Assert.DoesNotContain(titles, title => title.StartsWith("loss", StringComparison.Ordinal));
        Assert.DoesNotContain("<td>loss", page, StringComparison.Ordinal);
        var align = Charts(page)[Array.FindIndex(titles, t => t.StartsWith("align_student", StringComparison.Ordinal))];
        Assert.Equal(["xkd"], align.GetProperty("series").EnumerateArray().Select(s => s.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Write_RunWithVerdictAndScores_ShowsBoth()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(), "run", 1);
        var scores = Directory.CreateDirectory(Path.Combine(small.Run("run"), "eval", "svm")).FullName;
        await File.WriteAllTextAsync(
            Path.Combine(scores, "results.json"),
            """{"dataset": "esc50", "protocol": "svm", "fold": 2, "modality": "audio", "branch": "teacher", "metric": "top1", "value": 61.256}""",
            TestContext.Current.CancellationToken);
        var page = Page(small, "run");
        Assert.Contains("<div class=\"verdict plain\">Too early to tell: it is judged from 50 steps after the warm-up, and 1 were looked at.</div>", page, StringComparison.Ordinal);
        foreach (var file in new[] { Path.Combine(small.Run("run"), "verdict.json"), Path.Combine(small.Run("."), "verdict.json") }) // the run's own, and the page's
        {
            using var verdict = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
            Assert.False(verdict.RootElement.GetProperty("learned").GetBoolean());
            Assert.False(verdict.RootElement.GetProperty("collapsed").GetProperty("video").GetBoolean());
            Assert.StartsWith("Too early to tell", verdict.RootElement.GetProperty("summary").GetString(), StringComparison.Ordinal);
            Assert.Equal(0, verdict.RootElement.GetProperty("advice").GetArrayLength());
            Assert.NotEmpty(verdict.RootElement.GetProperty("bottleneck").GetString()!);
        }

        Assert.Contains("<td>esc50 svm audio teacher fold 2: top1, %</td><td class=n>61.26</td>", page, StringComparison.Ordinal);

        await File.WriteAllTextAsync(Path.Combine(scores, "results.json"), "{}", TestContext.Current.CancellationToken);
        var damaged = Assert.Throws<FailureException>(() => Page(small, "run"));
        Assert.Contains("results.json is not what an evaluation writes", damaged.Message, StringComparison.Ordinal);
        Assert.Contains("is named twice", Assert.Throws<UsageException>(() => Page(small, "run", "run/")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DistinctNames_Paths_AreTheShortestEndsThatDiffer() =>
        Assert.Equal(["x/a/run", "y/a/run", "b/run", "other"], DistinctNames.Of(["/r/x/a/run", "/r/y/a/run/", "/r/x/b/run", "/r/other"]));

    private static string Page(SmallRun small, params string[] runs)
    {
        var path = Path.Combine(small.Root, "page.html");
        RunReport.Write([.. runs.Select(small.Run)], path);
        return File.ReadAllText(path);
    }

    private static JsonElement[] Charts(string page) =>
        [.. Regex.Matches(page, "<script type=\"application/json\">(?<data>.*?)</script>", RegexOptions.Singleline)
            .Select(m => JsonDocument.Parse(m.Groups["data"].Value).RootElement)];
}
