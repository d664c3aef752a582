using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>A column of an exported Parquet file.</summary>
/// <param name="Feature">Its type as a line of Hugging Face's <c>dataset_info</c>, below its name.</param>
/// <param name="Parquet">Its type in the file.</param>
/// <param name="WriteAsync">Writes the values of some clips.</param>
internal sealed record ExportColumn(string Feature, Field Parquet, Func<ParquetRowGroupWriter, ClipRecord[], Task> WriteAsync)
{
    private const string Text = "string";
    private static readonly Type[] WholeNumbers = [typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long)];

    public string Name => Parquet.Name;

    /// <summary>A column of the index.</summary>
    public static ExportColumn OfIndex(TableColumn<ClipEntry> column) =>
        new(column.Parquet is DataField { ClrType: var type } ? $"dtype: {Named(type)}" : $"sequence: {Text}", column.Parquet, column.WriteAsync);

    /// <summary>A column that was added to the cache. It has the type of its values; what holds several, that of all: a number, or a text.</summary>
    public static ExportColumn OfAdded(string name, IReadOnlyList<ClipEntry> clips)
    {
        var types = clips.Select(c => c.Added[name]?.GetType()).OfType<Type>().ToHashSet();
        if (types.Count > 0 && types.All(t => t.IsAssignableTo(typeof(IReadOnlyList<string>))))
        {
            var lists = TextsColumn.Field(name);
            return new ExportColumn($"sequence: {Text}", lists, (group, rows) =>
                TextsColumn.WriteAsync(group, (DataField)lists.Item, rows.Select(r => (IReadOnlyList<string>?)r.Added[name] ?? [])));
        }

        return types switch
        {
            _ when types.SetEquals([typeof(bool)]) => Values(Convert.ToBoolean),
            { Count: > 0 } when types.IsSubsetOf(WholeNumbers) => Values(Convert.ToInt64),
            { Count: > 0 } when types.All(t => t.IsPrimitive && t != typeof(bool)) => Values(Convert.ToDouble),
            _ => Texts(name, row => row.Added[name] is { } value ? value is IReadOnlyList<string> list ? string.Join(", ", list) : $"{value}" : null),
        };

        ExportColumn Values<T>(Func<object, T> convert)
            where T : struct
        {
            DataField<T?> field = new(name);
            return new ExportColumn($"dtype: {Named(typeof(T))}", field, (group, rows) =>
                group.WriteAsync<T>(field, rows.Select(r => r.Added[name] is { } value ? convert(value) : default(T?)).ToArray().AsMemory()));
        }
    }

    /// <summary>The same number in each row.</summary>
    public static ExportColumn Constant(string name, int value)
    {
        DataField<int> field = new(name);
        return new ExportColumn("dtype: int32", field, (group, rows) =>
            group.WriteAsync<int>(field, Enumerable.Repeat(value, rows.Length).ToArray().AsMemory()));
    }

    /// <summary>Bytes; null where there are none.</summary>
    public static ExportColumn Bytes(string name, Func<ClipRecord, ReadOnlyMemory<byte>> get)
    {
        DataField<byte[]> field = new(name, true);
        return new ExportColumn("dtype: binary", field, (group, rows) =>
            LeafAsync(group, field, [.. rows.Select(get).Where(b => !b.IsEmpty)], [.. rows.Select(r => get(r).IsEmpty ? 0 : field.MaxDefinitionLevel)]));
    }

    /// <summary>A file: a struct of its bytes and a path, which is null, as Hugging Face keeps sounds; null where there are no bytes.</summary>
    public static ExportColumn File(string name, string feature, Func<ClipRecord, ReadOnlyMemory<byte>> get)
    {
        var (bytes, path) = FileFields();
        return new ExportColumn(feature, new StructField(name, bytes, path), async (group, rows) =>
        {
            var values = rows.Select(get).ToArray();
            await LeafAsync(group, bytes, [.. values.Where(v => !v.IsEmpty)], [.. values.Select(v => v.IsEmpty ? 0 : bytes.MaxDefinitionLevel)]);
            await LeafAsync<ReadOnlyMemory<char>>(group, path, [], [.. values.Select(v => v.IsEmpty ? 0 : path.MaxDefinitionLevel - 1)]);
        });
    }

    /// <summary>A list of such files.</summary>
    public static ExportColumn Files(string name, string feature, Func<ClipRecord, IReadOnlyList<ReadOnlyMemory<byte>>> get)
    {
        var (bytes, path) = FileFields();
        return new ExportColumn(feature, new ListField(name, new StructField(ListField.ElementName, bytes, path)), async (group, rows) =>
        {
            // Dremel levels: definition 1 is an empty list, the highest a value, the one below a null in its place; repetition 0 begins a row.
            var lists = Array.ConvertAll(rows, row => get(row));
            int[] repetitions = [.. lists.SelectMany(list => list.Count == 0 ? [0] : list.Select((_, i) => Math.Min(i, 1)))];
            await LeafAsync(group, bytes, [.. lists.SelectMany(list => list)], Definitions(bytes.MaxDefinitionLevel), repetitions);
            await LeafAsync<ReadOnlyMemory<char>>(group, path, [], Definitions(path.MaxDefinitionLevel - 1), repetitions);

            int[] Definitions(int present) => [.. lists.SelectMany(list => list.Count == 0 ? [1] : Enumerable.Repeat(present, list.Count))];
        });
    }

    private static (DataField<byte[]> Bytes, DataField<string> Path) FileFields() =>
        (new DataField<byte[]>("bytes", true), new DataField<string>("path", true));

    private static ExportColumn Texts(string name, Func<ClipEntry, string?> get)
    {
        DataField<string> field = new(name, true);
        return new ExportColumn($"dtype: {Text}", field, (group, rows) => group.WriteAsync(field, [.. rows.Select(get)]));
    }

    private static Task LeafAsync<T>(ParquetRowGroupWriter group, DataField field, T[] values, int[] definitions, int[]? repetitions = null)
        where T : struct =>
        group.WriteAllPartsAsync<T>(field, values, definitions, repetitions is null ? null : repetitions.AsMemory(), CancellationToken.None);

    private static string Named(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => "bool",
        TypeCode.Int32 => "int32",
        TypeCode.Int64 => "int64",
        TypeCode.Double => "float64",
        _ => Text,
    };
}
