using System.Text.Json;
using Xkd.Model.Evaluation;

namespace Xkd.Model.Tests.Evaluation;

public class EvaluationResultTests
{
    [Fact]
    public void MeanOf_Folds_AveragesValuesAndKeepsEach()
    {
        var mean = EvaluationResult.MeanOf([Fold(1, 60, 0.1), Fold(2, 70, 1)]);

        Assert.Equal(65, mean.Value);
        Assert.Equal(65, mean.PerClass["a"]);
        Assert.Null(mean.Fold);
        Assert.Null(mean.C);
        Assert.Equal(70, mean.Folds!["2"]);
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(mean.ToJson()).RootElement.GetProperty("fold").ValueKind);
    }

    [Fact]
    public async Task Write_ExistingFile_IsReplacedWithoutLeftovers()
    {
        var folder = Directory.CreateTempSubdirectory("xkd-results-").FullName;
        try
        {
            var path = Path.Combine(folder, "results.json");
            Fold(1, 1, 1).Write(path);
            Fold(1, 2, 1).Write(path);

            Assert.Equal([path], Directory.GetFiles(folder));
            Assert.Equal(2, EvaluationResult.FromJson(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)).Value);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static EvaluationResult Fold(int fold, double value, double c) => new()
    {
        Dataset = "ucf101", Protocol = "svm", Fold = fold, Modality = "video", Branch = "teacher", Value = value, C = c, WeightsSha256 = "ab",
        PerClass = new Dictionary<string, double> { ["a"] = value },
    };
}
