using DuckDB.NET.Data;

namespace Xkd.Storage.Tests;

public sealed class PredictionFileWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-predictions-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "predictions.parquet");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task CommitAsync_SeveralRowGroups_OthersReadEveryColumn()
    {
        const int rows = 40, classes = 1 << 18; // 16 rows a group
        await using (var writer = await PredictionFileWriter.CreateAsync(Path, [.. Enumerable.Range(0, classes).Select(c => $"c{c}")]))
        {
            for (var i = 0; i < rows; i++)
            {
                var scores = new float[classes];
                scores[i] = i + 0.5f;
                await writer.AppendAsync(Row(i, scores));
            }

            Assert.False(File.Exists(Path)); // until it is whole
            await writer.CommitAsync();
        }

        using DuckDBConnection connection = new("DataSource=:memory:");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        using var command = connection.CreateCommand();
        command.CommandText = $"select count(*), count(label), sum(score), sum(scores[8]), max(len(scores)), string_agg(predicted, '' order by start), max(\"end\"), count(*) filter (id <> item) from '{Path}'";
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        Assert.Equal((40L, 20L), (reader.GetInt64(0), reader.GetInt64(1)));
        Assert.Equal((Enumerable.Range(0, rows).Sum(i => i + 0.5), 7.5), (reader.GetDouble(2), reader.GetDouble(3)));
        Assert.Equal(string.Concat(Enumerable.Range(0, rows).Select(i => $"c{i}")), reader.GetString(5));
        Assert.Equal((41.0, 40L), (reader.GetDouble(6), reader.GetInt64(7)));
        Assert.Equal(["predictions.parquet"], Directory.GetFiles(_folder).Select(f => System.IO.Path.GetFileName(f)));
    }

    [Fact]
    public async Task Dispose_WithoutCommit_LeavesNothing()
    {
        await using (var writer = await PredictionFileWriter.CreateAsync(Path, ["a", "b"]))
        {
            await writer.AppendAsync(Row(0, [1, 2]));
            await Assert.ThrowsAsync<ArgumentException>(async () => await writer.AppendAsync(Row(1, [1])));
        }

        Assert.Empty(Directory.GetFiles(_folder));
    }

    private static PredictionRow Row(int i, float[] scores) => new()
    {
        Id = $"x{i}#0", Item = $"x{i}", Label = i % 2 == 0 ? "even" : null, Predicted = $"c{i}", Score = scores.Max(), Scores = scores, Start = i, End = i + 2,
    };
}
