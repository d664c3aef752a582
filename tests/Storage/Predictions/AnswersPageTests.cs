using DuckDB.NET.Data;

namespace Xkd.Storage.Tests;

/// <summary>The query that docs/answers.md shows, run as it stands there.</summary>
public sealed class AnswersPageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-answers-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Query_OfThePage_FindsMistakesAndTheirNearest()
    {
        (string Id, string Label, string Predicted, float[] Vector)[] clips =
        [
            ("a/1.mp4", "a", "a", [1, 0]), ("a/2.mp4", "a", "b", [1, 1]), ("a/3.mp4", "a", "a", [0.9f, 0.8f]), ("b/1.mp4", "b", "b", [1, 1]),
        ];
        await using (var features = await FeatureFileWriter.CreateAsync(Path.Combine(_folder, "features.parquet"), 2))
        await using (var predictions = await PredictionFileWriter.CreateAsync(Path.Combine(_folder, "predictions.parquet"), ["a", "b"]))
        {
            foreach (var (id, label, predicted, vector) in clips)
            {
                await features.AppendAsync(id, label, vector);
                await predictions.AppendAsync(new PredictionRow { Id = id, Item = id, Label = label, Predicted = predicted, Score = 0.75f, Scores = [0.25f, 0.75f] });
            }

            await features.CommitAsync();
            await predictions.CommitAsync();
        }

        var page = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "docs", "answers.md"), TestContext.Current.CancellationToken);
        var query = page.Split("```sql\n")[1].Split("```")[0].Replace("from '", $"from '{_folder}/", StringComparison.Ordinal).Replace("join '", $"join '{_folder}/", StringComparison.Ordinal);
        using DuckDBConnection connection = new("DataSource=:memory:");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        using var command = connection.CreateCommand();
        command.CommandText = query;
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        Assert.Equal(("a/2.mp4", "a", "b", "a/3.mp4"), (reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(4)));
        Assert.False(reader.Read());
    }
}
