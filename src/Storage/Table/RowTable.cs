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

    private static ParquetSchema Schema { get; } = new([.. Columns.Select(c => c.Parquet)]);

    public static async Task<byte[]> WriteAsync(IReadOnlyList<T> rows, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream file = new();
        await using (var writer = await ParquetWriter.CreateAsync(Schema, file, new ParquetOptions { CompressionMethod = CompressionMethod.Snappy }))
        {
            writer.CustomMetadata = metadata.ToDictionary(StringComparer.Ordinal);
            foreach (var part in rows.Chunk(GroupRows))
            {
                using var group = writer.CreateRowGroup();
                foreach (var column in Columns)
                {
                    await column.WriteAsync(group, part);
                }

                group.CompleteValidate();
            }
        }

        return file.ToArray();
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
    /// <param name="names">Columns to read, which leaves the others at their defaults; null: all.</param>
    /// <exception cref="InvalidDataException">It is no such table; what a damaged file leads to else is anything that parsing can throw.</exception>
    public static async Task<T[]> ReadAsync(byte[] file, int most, IReadOnlySet<string>? names = null)
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
            groups.Add(await ReadGroupAsync(reader, i, names));
        }

        return groups.Count == 1 ? groups[0] : [.. groups.SelectMany(g => g)];
    }

    /// <summary>The rows of one row group.</summary>
    public static async Task<T[]> ReadGroupAsync(ParquetReader reader, int number, IReadOnlySet<string>? names = null)
    {
        using var group = reader.OpenRowGroupReader(number);
        var rows = new T[group.RowCount];
        foreach (ref var row in rows.AsSpan())
        {
            row = New();
        }

        foreach (var column in Columns.Where(c => names is null || names.Contains(c.Name)))
        {
            if (Array.Find(reader.Schema.DataFields, f => f.Path.FirstPart == column.Name) is { } field)
            {
                await column.ReadAsync(group, field, rows);
            }
        }

        return rows;
    }

    private static TableColumn<T> Column(PropertyInfo property)
    {
        var name = property.GetCustomAttribute<ColumnAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        var optional = new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable;
        return property.PropertyType switch
        {
            var type when type == typeof(string) => new TextColumn<T>(property, name, optional),
            var type when type == typeof(IReadOnlyList<string>) => new TextsColumn<T>(property, name),
            var type when type.IsPrimitive => (TableColumn<T>)Activator.CreateInstance(typeof(NumberColumn<,>).MakeGenericType(typeof(T), type), property, name)!,
            var type => throw new NotSupportedException($"{typeof(T).Name}.{property.Name}: no column of {type}"),
        };
    }
}
