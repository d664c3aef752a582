using System.ComponentModel.DataAnnotations.Schema;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>
/// A Parquet table declared by a record: every property with a setter is a column, in the record's order and under its name in snake_case, unless <see cref="ColumnAttribute"/> names it otherwise or
/// <see cref="NotMappedAttribute"/> leaves it out. A column that a file lacks keeps the property's own default; one that the record lacks is not read. So a column is added in one place.
/// </summary>
/// <typeparam name="T">The record.</typeparam>
internal static class RowTable<T>
    where T : class
{
    private const int GroupRows = 1 << 16;
    private static readonly Func<T> New = Expression.Lambda<Func<T>>(Expression.New(typeof(T))).Compile();

    public static IReadOnlyList<TableColumn<T>> Columns { get; } =
        [.. typeof(T).GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Where(p => p.SetMethod is not null && p.GetCustomAttribute<NotMappedAttribute>() is null).Select(Column)];

    public static ParquetSchema Schema { get; } = new([.. Columns.Select(c => c.Parquet)]);

    public static async Task<byte[]> WriteAsync(IReadOnlyList<T> rows, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream file = new();
        await using (var writer = await ParquetWriter.CreateAsync(Schema, file, new ParquetOptions { CompressionMethod = CompressionMethod.Snappy }))
        {
            writer.CustomMetadata = metadata.ToDictionary(StringComparer.Ordinal);
            foreach (var part in rows.Chunk(GroupRows))
            {
                await WriteGroupAsync(writer, part);
            }
        }

        return file.ToArray();
    }

    /// <summary>Rows as one row group of a file of <see cref="Schema"/>.</summary>
    public static async Task WriteGroupAsync(ParquetWriter writer, T[] rows)
    {
        using var group = writer.CreateRowGroup();
        foreach (var column in Columns)
        {
            await column.WriteAsync(group, rows);
        }

        group.CompleteValidate();
    }

    /// <summary>What stands in the file's footer beside the columns.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ReadMetadataAsync(byte[] file)
    {
        using MemoryStream stream = new(file, writable: false);
        ParquetFooter.Require(stream);
        await using var reader = await ParquetReader.CreateAsync(stream);
        return reader.CustomMetadata;
    }

    /// <summary>The rows in the file's order.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="most">Rows that it may have at most.</param>
    /// <param name="query">Which rows, and which of their columns; null: all.</param>
    /// <exception cref="InvalidDataException">It is no such table; what a damaged file leads to else is anything that parsing can throw.</exception>
    public static async Task<T[]> ReadAsync(byte[] file, int most, RowQuery<T>? query = null)
    {
        using MemoryStream stream = new(file, writable: false);
        ParquetFooter.Require(stream);
        await using var reader = await ParquetReader.CreateAsync(stream);
        var count = reader.RowGroups.Sum(g => g.RowCount);
        if (count > most || reader.RowGroups.Any(g => g.RowCount < 0))
        {
            throw new InvalidDataException($"{count} rows where at most {most} can be");
        }

        List<T[]> groups = [];
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            groups.Add(await ReadGroupAsync(reader, i, query));
        }

        return groups.Count == 1 ? groups[0] : [.. groups.SelectMany(g => g)];
    }

    /// <summary>The rows of one row group.</summary>
    public static async Task<T[]> ReadGroupAsync(ParquetReader reader, int number, RowQuery<T>? query = null)
    {
        using var group = reader.OpenRowGroupReader(number);
        Dictionary<string, Action<T, int>?> conditions = new(StringComparer.Ordinal);
        foreach (var column in Columns.Where(c => query?.Conditions.Contains(c.Name) == true))
        {
            conditions[column.Name] = await ReadAsync(reader, group, column);
        }

        int[] places = [.. Select((int)group.RowCount, [.. conditions.Values.OfType<Action<T, int>>()], query?.Test)];
        var rows = Array.ConvertAll(places, _ => New());
        foreach (var column in places.Length == 0 ? [] : Columns.Where(c => query is null || query.Columns.Contains(c.Name)))
        {
            var set = conditions.TryGetValue(column.Name, out var read) ? read : await ReadAsync(reader, group, column);
            for (var i = 0; set is not null && i < rows.Length; i++)
            {
                set(rows[i], places[i]);
            }
        }

        return rows;
    }

    // One row takes the values of each in turn: a million of them cost more than reading the columns.
    private static IEnumerable<int> Select(int count, Action<T, int>[] conditions, Func<T, bool>? test)
    {
        var row = New();
        return Enumerable.Range(0, count).Where(place =>
        {
            Array.ForEach(conditions, set => set(row, place));
            return test?.Invoke(row) != false;
        });
    }

    // Null where the file lacks the column: rows keep its default.
    private static async Task<Action<T, int>?> ReadAsync(ParquetReader reader, ParquetRowGroupReader group, TableColumn<T> column) =>
        Array.Find(reader.Schema.DataFields, f => f.Path.FirstPart == column.Name) is { } field
            ? await column.ReadAsync(group, field, (int)group.RowCount)
            : null;

    private static TableColumn<T> Column(PropertyInfo property)
    {
        var name = property.GetCustomAttribute<ColumnAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        var optional = new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable;
        return property.PropertyType switch
        {
            var type when type == typeof(string) => new TextColumn<T>(property, name, optional),
            var type when type == typeof(IReadOnlyList<string>) => new TextsColumn<T>(property, name),
            var type when type == typeof(IReadOnlyList<float>) => new FloatsColumn<T>(property, name),
            var type when type.IsPrimitive => (TableColumn<T>)Activator.CreateInstance(typeof(NumberColumn<,>).MakeGenericType(typeof(T), type), property, name)!,
            var type => throw new NotSupportedException($"{typeof(T).Name}.{property.Name}: no column of {type}"),
        };
    }
}

/// <summary>Some rows of a table: of each the columns that the test looks at are read, the others of those that pass alone.</summary>
/// <param name="Conditions">Columns that the test looks at.</param>
/// <param name="Columns">Columns wanted; the others keep their defaults.</param>
/// <param name="Test">Whether a row is wanted. It must not keep the row.</param>
/// <typeparam name="T">The record.</typeparam>
internal sealed record RowQuery<T>(IReadOnlySet<string> Conditions, IReadOnlySet<string> Columns, Func<T, bool> Test);
