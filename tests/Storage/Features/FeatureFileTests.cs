using DuckDB.NET.Data;

namespace Xkd.Storage.Tests;

public sealed class FeatureFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-features-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "features.parquet");

    [Fact]
    public async Task ReadAsync_SeveralRowGroups_GivesWhatWasWritten()
    {
        const int Rows = 100, Dim = 1 << 17; // 32 rows a group
        await WriteAsync(Rows, Dim);
        await using var file = await FeatureFile.OpenAsync(Path);
        Assert.Equal((Rows, Dim, "video"), (file.Rows, file.Dim, file.Metadata["modality"]));
        int row = 0, blocks = 0;
        await foreach (var block in file.ReadAsync(TestContext.Current.CancellationToken))
        {
            blocks++;
            for (var i = 0; i < block.Rows; i++, row++)
            {
                Assert.Equal($"clip{row}", block.Ids[i]);
                Assert.Equal(row % 3 == 0 ? null : $"c{row % 3}", block.Labels[i]);
                Assert.Equal(Value(row, Dim - 1), block.Vectors.Span[((i + 1) * Dim) - 1]);
            }
        }

        Assert.Equal((Rows, 4), (row, blocks));
    }

    [Fact]
    public async Task Commit_Others_ReadAListOfFloats()
    {
        await WriteAsync(5, 3);
        using DuckDBConnection connection = new("DataSource=:memory:");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        using var command = connection.CreateCommand();
        command.CommandText = $"select count(*), sum(len(vector)), max(id), sum(vector[3]), typeof(any_value(vector)) from '{Path}' where label is not null";
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        Assert.Equal((3L, "clip4", "FLOAT[]"), (reader.GetInt64(0), reader.GetString(2), reader.GetString(4)));
        Assert.Equal(Value(1, 2) + Value(2, 2) + Value(4, 2), reader.GetDouble(3));
    }

    [Fact]
    public async Task OpenAsync_AFileOfOthers_IsRead()
    {
        await WriteByDuckDBAsync("i::float, 2::float");

        await using var file = await FeatureFile.OpenAsync(Path);
        await foreach (var block in file.ReadAsync(TestContext.Current.CancellationToken))
        {
            Assert.Equal(["n0", "n1", "n2", "n3", "n4", "n5", "n6"], block.Ids);
            Assert.Equal([0, 2, 1, 2, 2, 2, 3, 2, 4, 2, 5, 2, 6, 2], block.Vectors.ToArray());
        }
    }

    [Fact]
    public async Task ReadAsync_VectorsOfDifferentLengths_NamesTheRow()
    {
        using (DuckDBConnection connection = new("DataSource=:memory:"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            using var command = connection.CreateCommand();
            command.CommandText = $"copy (select * from (values ('a', 'k', [1::float, 2::float, 3::float]), ('b', 'k', [1::float])) t(id, label, vector)) to '{Path}' (format parquet)";
            command.ExecuteNonQuery();
        }

        await using var file = await FeatureFile.OpenAsync(Path);
        var error = await Assert.ThrowsAsync<FailureException>(async () =>
        {
            await foreach (var block in file.ReadAsync(TestContext.Current.CancellationToken))
            {
                Assert.Fail($"{block.Rows} rows were read");
            }
        });
        Assert.Contains("has not 2 numbers", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_AnyBitFlipped_IsNoticedOrChangesNothing()
    {
        await WriteAsync(6, 5);
        var whole = await File.ReadAllBytesAsync(Path, TestContext.Current.CancellationToken);
        var before = await RowsAsync();
        var noticed = 0;
        for (var at = 0; at < whole.Length; at++)
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(Path, flipped, TestContext.Current.CancellationToken);
            try
            {
                Assert.Equal(before, await RowsAsync());
            }
            catch (XkdException e)
            {
                Assert.Contains(Path, e.Message, StringComparison.Ordinal);
                noticed++;
            }
        }

        // All but those that make a foreign file of it, which has no checks: the key's own letters.
        Assert.InRange(noticed, whole.Length - 20, whole.Length);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public async Task AppendAsync_NotFinite_NamesTheRow(float value)
    {
        await using var writer = await FeatureFileWriter.CreateAsync(Path, 2);
        var error = await Assert.ThrowsAsync<FailureException>(async () => await writer.AppendAsync("clip7", null, new[] { 1, value }));
        Assert.Contains("number 2 of the vector of clip7 is", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_NotFiniteInAFileOfOthers_NamesTheRow()
    {
        await WriteByDuckDBAsync("case when i = 3 then 'nan'::float else 1::float end, 2::float");

        var error = await Assert.ThrowsAsync<UsageException>(RowsAsync);
        Assert.Contains("n3 has a feature that is not finite", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DisposeAsync_Uncommitted_LeavesNothing()
    {
        await using (var writer = await FeatureFileWriter.CreateAsync(Path, 2))
        {
            await writer.AppendAsync("a", null, new float[2]);
            await Assert.ThrowsAsync<UsageException>(async () => await writer.AppendAsync("b", null, new float[3]));
        }

        Assert.Empty(Directory.GetFiles(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static float Value(int row, int column) => (row * 0.5f) + (column * 0.25f);

    private async Task<string[]> RowsAsync()
    {
        await using var file = await FeatureFile.OpenAsync(Path);
        List<string> rows = [];
        await foreach (var block in file.ReadAsync(TestContext.Current.CancellationToken))
        {
            rows.AddRange(block.Ids.Select((id, i) => $"{id} {block.Labels[i]} {Convert.ToHexString(System.Runtime.InteropServices.MemoryMarshal.AsBytes(block.Vectors.Span.Slice(i * file.Dim, file.Dim)))}"));
        }

        return [.. rows];
    }

    private async Task WriteAsync(int rows, int dim)
    {
        await using var writer = await FeatureFileWriter.CreateAsync(Path, dim, new Dictionary<string, string> { ["modality"] = "video" });
        for (var row = 0; row < rows; row++)
        {
            await writer.AppendAsync($"clip{row}", row % 3 == 0 ? null : $"c{row % 3}", Enumerable.Range(0, dim).Select(c => Value(row, c)).ToArray());
        }

        await writer.CommitAsync();
    }

    /// <summary>Seven rows, n0 to n6, whose vectors are <paramref name="vector"/> of the row's number i.</summary>
    private async Task WriteByDuckDBAsync(string vector)
    {
        using DuckDBConnection connection = new("DataSource=:memory:");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        using var command = connection.CreateCommand();
        command.CommandText = $"copy (select 'n' || i as id, 'k' as label, [{vector}] as vector from range(7) t(i)) to '{Path}' (format parquet)";
        command.ExecuteNonQuery();
    }
}
