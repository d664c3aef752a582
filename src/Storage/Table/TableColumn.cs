using System.Reflection;
using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>One column of a <see cref="RowTable{T}"/>.</summary>
/// <typeparam name="T">The record that declares it.</typeparam>
internal abstract class TableColumn<T>(string name, Field parquet)
{
    public string Name => name;

    public Field Parquet => parquet;

    /// <summary>The value of a row as a number (of any type), a text, a list of texts or null.</summary>
    public abstract object? Get(T row);

    public abstract Task WriteAsync(ParquetRowGroupWriter group, T[] rows);

    /// <summary>Reads the column of a row group.</summary>
    /// <returns>Gives a row the value that stands at a place of the group; texts are made then.</returns>
    public abstract Task<Action<T, int>> ReadAsync(ParquetRowGroupReader group, DataField field, int rows);

    protected static void RequireType(DataField field, Field declared)
    {
        if (declared is DataField { ClrType: var type } && field.ClrType != type)
        {
            throw new InvalidDataException($"column {field.Path} holds {field.ClrType.Name}, not {type.Name}");
        }
    }
}

internal sealed class NumberColumn<T, TValue>(PropertyInfo property, string name) : TableColumn<T>(name, new DataField<TValue>(name))
    where TValue : struct
{
    private readonly Func<T, TValue> _get = property.GetMethod!.CreateDelegate<Func<T, TValue>>();
    private readonly Action<T, TValue> _set = property.SetMethod!.CreateDelegate<Action<T, TValue>>();

    public override object Get(T row) => _get(row);

    public override Task WriteAsync(ParquetRowGroupWriter group, T[] rows) => group.WriteAsync<TValue>((DataField)Parquet, rows.Select(_get).ToArray().AsMemory());

    public override async Task<Action<T, int>> ReadAsync(ParquetRowGroupReader group, DataField field, int rows)
    {
        RequireType(field, Parquet);
        var values = new TValue[rows];
        await group.ReadAsync(field, values.AsMemory());
        return (row, place) => _set(row, values[place]);
    }
}

internal sealed class TextColumn<T>(PropertyInfo property, string name, bool optional) : TableColumn<T>(name, new DataField<string>(name, optional))
{
    private readonly Func<T, string?> _get = property.GetMethod!.CreateDelegate<Func<T, string?>>();
    private readonly Action<T, string?> _set = property.SetMethod!.CreateDelegate<Action<T, string?>>();

    public override object? Get(T row) => _get(row);

    public override Task WriteAsync(ParquetRowGroupWriter group, T[] rows) => group.WriteAsync((DataField)Parquet, [.. rows.Select(_get)]);

    public override async Task<Action<T, int>> ReadAsync(ParquetRowGroupReader group, DataField field, int rows)
    {
        RequireType(field, Parquet);
        var values = new ReadOnlyMemory<char>[rows];
        SharedTexts texts = new();
        if (!field.IsNullable)
        {
            await group.ReadRawAsync<ReadOnlyMemory<char>>(field, values, null, null);
            return (row, place) => _set(row, texts.Share(values[place].Span));
        }

        var places = new int[rows]; // first the definition levels, then where the value of each row lies: those of null are not among them
        await group.ReadRawAsync<ReadOnlyMemory<char>>(field, values, places, null);
        for (int i = 0, next = 0; i < rows; i++)
        {
            places[i] = places[i] > 0 ? next++ : optional ? -1 : throw new InvalidDataException($"column {Name}, row {i}: no text");
        }

        return (row, place) => _set(row, places[place] < 0 ? null : texts.Share(values[places[place]].Span));
    }
}

internal sealed class TextsColumn<T>(PropertyInfo property, string name) : TableColumn<T>(name, TextsColumn.Field(name))
{
    private readonly Func<T, IReadOnlyList<string>> _get = property.GetMethod!.CreateDelegate<Func<T, IReadOnlyList<string>>>();
    private readonly Action<T, IReadOnlyList<string>> _set = property.SetMethod!.CreateDelegate<Action<T, IReadOnlyList<string>>>();

    public override object Get(T row) => _get(row);

    public override Task WriteAsync(ParquetRowGroupWriter group, T[] rows) => TextsColumn.WriteAsync(group, (DataField)((ListField)Parquet).Item, rows.Select(_get));

    public override async Task<Action<T, int>> ReadAsync(ParquetRowGroupReader group, DataField field, int rows)
    {
        RequireType(field, ((ListField)Parquet).Item);
        var lists = await TextsColumn.ReadAsync(group, field, rows);
        return (row, place) => _set(row, lists[place]);
    }
}

/// <summary>A list of numbers in each row, none of them empty; written, not read.</summary>
internal sealed class FloatsColumn<T>(PropertyInfo property, string name)
    : TableColumn<T>(name, new ListField(name, new DataField<float>(ListField.ElementName, false)))
{
    private readonly Func<T, IReadOnlyList<float>> _get = property.GetMethod!.CreateDelegate<Func<T, IReadOnlyList<float>>>();

    public override object Get(T row) => _get(row);

    public override Task WriteAsync(ParquetRowGroupWriter group, T[] rows)
    {
        // As in a list of texts: definition 2 is a value, repetition 0 begins a row.
        float[] values = [.. rows.SelectMany(_get)];
        int[] definitions = [.. Enumerable.Repeat(2, values.Length)];
        int[] repetitions = [.. rows.SelectMany(row => Enumerable.Range(0, _get(row).Count).Select(i => Math.Min(i, 1)))];
        return group.WriteAllPartsAsync<float>((DataField)((ListField)Parquet).Item, values, definitions, repetitions, CancellationToken.None);
    }

    public override Task<Action<T, int>> ReadAsync(ParquetRowGroupReader group, DataField field, int rows) =>
        throw new NotSupportedException($"column {Name} is written for others to read");
}

/// <summary>A list of texts in each row, of any file.</summary>
internal static class TextsColumn
{
    public static ListField Field(string name) => new(name, new DataField<string>(ListField.ElementName, false));

    public static Task WriteAsync(ParquetRowGroupWriter group, DataField item, IEnumerable<IReadOnlyList<string>> lists)
    {
        // Dremel levels of an optional list of required texts: definition 1 is an empty list, 2 a text; repetition 0 begins a row.
        List<ReadOnlyMemory<char>> texts = [];
        List<int> definitions = [];
        List<int> repetitions = [];
        foreach (var list in lists)
        {
            texts.AddRange(list.Select(t => t.AsMemory()));
            definitions.AddRange(list.Count == 0 ? [1] : Enumerable.Repeat(2, list.Count));
            repetitions.AddRange(list.Count == 0 ? [0] : Enumerable.Range(0, list.Count).Select(i => Math.Min(i, 1)));
        }

        return group.WriteAllPartsAsync<ReadOnlyMemory<char>>(item, texts.ToArray(), definitions.ToArray(), repetitions.ToArray(), CancellationToken.None);
    }

    public static async Task<string[][]> ReadAsync(ParquetRowGroupReader group, DataField field, int rows)
    {
        var column = group.GetMetadata(field)?.MetaData ?? throw new InvalidDataException($"no column {field.Path}");
        if (column.NumValues < 0 || column.NumValues > rows + column.TotalUncompressedSize)
        {
            throw new InvalidDataException($"column {field.Path}: {column.NumValues} values in {column.TotalUncompressedSize} bytes");
        }

        var count = (int)column.NumValues;
        var values = new ReadOnlyMemory<char>[count];
        int[] definitions = new int[count], repetitions = new int[count];
        await group.ReadRawAsync<ReadOnlyMemory<char>>(field, values, definitions, repetitions);
        var lists = new List<string>?[rows];
        SharedTexts texts = new();
        for (int i = 0, row = -1, text = 0; i < count; i++)
        {
            row += repetitions[i] == 0 ? 1 : 0;
            if (definitions[i] == field.MaxDefinitionLevel)
            {
                (lists[row] ??= []).Add(texts.Share(values[text++].Span));
            }
        }

        return Array.ConvertAll(lists, list => list?.ToArray() ?? []);
    }
}

/// <summary>Keeps one copy of each text of a column: labels and splits repeat, ids do not, and are let through once that shows.</summary>
internal sealed class SharedTexts
{
    private const int Most = 1 << 12;
    private readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _texts = new Dictionary<string, string>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    public string Share(ReadOnlySpan<char> text)
    {
        if (_texts.Dictionary.Count == Most)
        {
            return new string(text);
        }

        if (!_texts.TryGetValue(text, out var known))
        {
            known = new string(text);
            _texts[text] = known;
        }

        return known;
    }
}
