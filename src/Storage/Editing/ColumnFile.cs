using System.Reflection;
using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>A Parquet file of anybody's with a column <c>id</c>: its ids, and the texts, numbers, truths and lists of texts of its other columns.</summary>
internal sealed record ColumnFile(string[] Ids, IReadOnlyDictionary<string, object?[]> Values)
{
    private static readonly MethodInfo Numbers = typeof(ColumnFile).GetMethod(nameof(NumbersAsync), BindingFlags.Static | BindingFlags.NonPublic)!;

    /// <summary>A file and what it holds.</summary>
    /// <exception cref="UsageException">It cannot be read, is no such file, has an id twice, or a column of another type.</exception>
    public static (byte[] Bytes, ColumnFile Columns) Read(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            return (bytes, Read(path, bytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read: {e.Message}: name a Parquet file with a column id and those to add", e);
        }
    }

    /// <param name="name">Of the file, for errors.</param>
    /// <param name="file">Its bytes.</param>
    /// <exception cref="UsageException">It is no such file, has an id twice, or a column of another type.</exception>
    public static ColumnFile Read(string name, byte[] file)
    {
        try
        {
            return ReadAsync(name, file).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (XkdException or OperationCanceledException))
        {
            throw new UsageException($"{name} cannot be read as a Parquet file: {e.Message}", e);
        }
    }

    private static async Task<ColumnFile> ReadAsync(string name, byte[] file)
    {
        using MemoryStream stream = new(file, writable: false);
        ParquetFooter.Require(stream);
        await using var reader = await ParquetReader.CreateAsync(stream);
        Dictionary<string, List<object?>> columns = new(StringComparer.Ordinal);
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            using var group = reader.OpenRowGroupReader(i);
            foreach (var field in reader.Schema.DataFields)
            {
                var column = field.Path.FirstPart!;
                columns.TryAdd(column, []);
                columns[column].AddRange(await ValuesAsync(name, column, group, field, checked((int)group.RowCount)));
            }
        }

        if (!columns.Remove("id", out var ids) || ids.Exists(id => id is not string { Length: > 0 }))
        {
            throw new UsageException($"{name} has no column id of texts: give one, with the ids that xkd cache ls shows");
        }

        return ids.CountBy(id => (string)id!, StringComparer.Ordinal).FirstOrDefault(c => c.Value > 1).Key is { } twice
            ? throw new UsageException($"{name} has the id {twice} more than once: give each id one row")
            : new ColumnFile([.. ids.Cast<string>()], columns.ToDictionary(c => c.Key, c => c.Value.ToArray(), StringComparer.Ordinal));
    }

    private static async Task<IEnumerable<object?>> ValuesAsync(string name, string column, ParquetRowGroupReader group, DataField field, int rows)
    {
        if (field.MaxRepetitionLevel > 0)
        {
            return field.ClrType == typeof(ReadOnlyMemory<char>) ? await TextsColumn.ReadAsync(group, field, rows) : throw Unfit("a list of other things than texts");
        }

        if (field.ClrType == typeof(ReadOnlyMemory<char>))
        {
            var texts = new string?[rows];
            await group.ReadAsync(field, texts.AsMemory());
            return texts;
        }

        return field.ClrType.IsPrimitive ? await (Task<IEnumerable<object?>>)Numbers.MakeGenericMethod(field.ClrType).Invoke(null, [group, field, rows])! : throw Unfit(field.ClrType.Name);

        UsageException Unfit(string what) => new($"{name}: column {column} holds {what}; texts, lists of texts, numbers and truths can be added");
    }

    private static async Task<IEnumerable<object?>> NumbersAsync<T>(ParquetRowGroupReader group, DataField field, int rows)
        where T : struct
    {
        if (!field.IsNullable)
        {
            var all = new T[rows];
            await group.ReadAsync(field, all.AsMemory());
            return all.Select(n => (object?)n);
        }

        var numbers = new T?[rows];
        await group.ReadAsync(field, numbers.AsMemory());
        return numbers.Select(n => (object?)n);
    }
}
