using System.Globalization;
using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Xkd.Storage;

/// <summary>Selects clips by what the index says of them and by a list of ids; all conditions must hold.</summary>
public sealed partial class ClipFilter
{
    private readonly Condition[] _conditions;
    private readonly HashSet<string>? _ids;
    private readonly string? _idsFile;

    private ClipFilter(Condition[] conditions, string? idsFile) =>
        (_conditions, _idsFile, _ids) = (conditions, idsFile, idsFile is null ? null : ReadIds(idsFile));

    /// <summary>Selects every clip.</summary>
    public static ClipFilter All { get; } = new([], null);

    /// <summary>Whether it selects every clip.</summary>
    public bool IsAll => _conditions.Length == 0 && _ids is null;

    /// <summary>The columns that it looks at.</summary>
    internal IEnumerable<string> Columns => _conditions.Select(c => c.Column).Concat(_ids is null ? [] : ["id"]);

    /// <summary>From texts as on the command line.</summary>
    /// <param name="where">
    /// Each COLUMN OPERATOR VALUE: <c>=</c> and <c>!=</c> take values separated by commas, of which texts may hold <c>*</c> and <c>?</c>; <c>&lt; &lt;= &gt; &gt;=</c> take one. Of a list, such as
    /// <c>labels</c>, one element must match.
    /// </param>
    /// <param name="idsFile">A text file with one id a line, or a Parquet file with a column <c>id</c>; null: all.</param>
    /// <exception cref="UsageException">A text is no condition, or the file no list of ids.</exception>
    public static ClipFilter Parse(IEnumerable<string> where, string? idsFile = null)
    {
        ArgumentNullException.ThrowIfNull(where);
        return new ClipFilter([.. where.Select(Condition.Parse)], idsFile);
    }

    /// <summary>Places of the selected clips, ascending; none where nothing matches.</summary>
    /// <exception cref="UsageException">A condition names no column of these clips.</exception>
    public int[] Select(IReadOnlyList<ClipEntry> clips)
    {
        ArgumentNullException.ThrowIfNull(clips);
        var test = Test(clips);
        return [.. Enumerable.Range(0, clips.Count).Where(i => test(clips[i]))];
    }

    /// <summary>Whether a clip is selected, of clips with the added columns that these have. Not thread-safe.</summary>
    /// <exception cref="UsageException">A condition names no column of these clips.</exception>
    internal Func<ClipEntry, bool> Test(IReadOnlyList<ClipEntry> clips)
    {
        var tests = _conditions.Select(c => c.For(clips)).ToArray();
        return clip => Array.TrueForAll(tests, test => test(clip)) && (_ids is null || _ids.Contains(clip.Id));
    }

    /// <summary>In words that go on after "clips".</summary>
    public override string ToString() => IsAll ? "at all" : "with " + string.Join(" and ", _conditions.Select(c => c.Text).Concat(_idsFile is null ? [] : [$"an id of {_idsFile}"]));

    private static HashSet<string> ReadIds(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var ids = bytes.AsSpan().StartsWith("PAR1"u8) ? ColumnFile.Read(path, bytes).Ids : File.ReadAllLines(path);
            HashSet<string> named = [.. ids.Where(id => id.Length > 0)];
            return named.Count > 0 ? named : throw new UsageException($"{path} names no id: write one id a line, as xkd cache ls shows them");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read: {e.Message}: name a file with one id a line", e);
        }
    }

    private sealed partial record Condition(string Text, string Column, string Operator, string[] Values)
    {
        private const int MostKnown = 1 << 12;

        public static Condition Parse(string text) => Form().Match(text) is { Success: true } m
            ? new Condition(text, m.Groups["column"].Value, m.Groups["operator"].Value, m.Groups["operator"].Value is "=" or "!=" ? m.Groups["value"].Value.Split(',') : [m.Groups["value"].Value])
            : throw new UsageException($"condition \"{text}\": write COLUMN=VALUE, or another of = != < <= > >=, such as split=train or duration>=4");

        public Func<ClipEntry, bool> For(IReadOnlyList<ClipEntry> clips)
        {
            var get = ClipColumns.Find(Column, clips) ?? throw new UsageException($"condition \"{Text}\": there is no column {Column}; the columns are {string.Join(", ", ClipColumns.Names(clips))}");
            double? number = double.TryParse(Values[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : null;
            Dictionary<string, bool> known = new(StringComparer.Ordinal); // labels and splits repeat
            return Operator switch
            {
                "=" => clip => Matches(get(clip), known),
                "!=" => clip => !Matches(get(clip), known),
                "<" => clip => get(clip) is { } held && Compare(held, number) < 0,
                "<=" => clip => get(clip) is { } held && Compare(held, number) <= 0,
                ">" => clip => get(clip) is { } held && Compare(held, number) > 0,
                _ => clip => get(clip) is { } held && Compare(held, number) >= 0,
            };
        }

        private bool Matches(object? held, Dictionary<string, bool> known)
        {
            if (held is not string text)
            {
                return Array.Exists(Values, value => Matches(held, value));
            }

            if (!known.TryGetValue(text, out var matches))
            {
                matches = Array.Exists(Values, value => Matches(text, value));
                if (known.Count < MostKnown)
                {
                    known[text] = matches;
                }
            }

            return matches;
        }

        private static bool Matches(object? held, string value) => held switch
        {
            null => value.Length == 0,
            string text => FileSystemName.MatchesSimpleExpression(value, text, ignoreCase: false),
            IReadOnlyList<string> texts => texts.Any(text => Matches(text, value)),
            bool truth => bool.TryParse(value, out var asked) && asked == truth,
            _ => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Convert.ToDouble(held, CultureInfo.InvariantCulture) == number,
        };

        private int Compare(object held, double? number) => held switch
        {
            string text => string.CompareOrdinal(text, Values[0]),
            IReadOnlyList<string> or bool => throw new UsageException($"condition \"{Text}\": {Column} has no order; use = or !="),
            _ when number is { } value => Convert.ToDouble(held, CultureInfo.InvariantCulture).CompareTo(value),
            _ => throw new UsageException($"condition \"{Text}\": {Column} holds numbers, and {Values[0]} is none"),
        };

        [GeneratedRegex("^(?<column>[^=!<>]+?)(?<operator>=|!=|<=|>=|<|>)(?<value>.*)$", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
        private static partial Regex Form();
    }
}

/// <summary>The columns that clips have: those of the index, and those that were added.</summary>
internal static class ClipColumns
{
    // What a file of columns may replace; the others say how a clip lies in the cache.
    private static readonly string[] Replaceable = ["label", "labels", "split", "folds"];

    /// <summary>Their names, as in the index.</summary>
    public static IEnumerable<string> Names(IReadOnlyList<ClipEntry> clips)
    {
        ArgumentNullException.ThrowIfNull(clips);
        return RowTable<ClipEntry>.Columns.Select(c => c.Name).Concat(clips.Count == 0 ? [] : clips[0].Added.Keys);
    }

    /// <summary>How to get a column's value of a clip: a text, a number, a truth, a list of texts or null; null where there is no such column.</summary>
    public static Func<ClipEntry, object?>? Find(string name, IReadOnlyList<ClipEntry> clips)
    {
        ArgumentNullException.ThrowIfNull(clips);
        return RowTable<ClipEntry>.Columns.FirstOrDefault(c => c.Name == name) is { } column ? column.Get
            : clips.Count > 0 && clips[0].Added.ContainsKey(name) ? clip => clip.Added[name]
            : null;
    }

    internal static bool IsFixed(string name) => RowTable<ClipEntry>.Columns.Any(c => c.Name == name) && !Replaceable.Contains(name);

    /// <summary>The clips with the values of added files, the last of each column.</summary>
    internal static ClipEntry[] Add(ClipEntry[] clips, IReadOnlyList<ColumnFile> files)
    {
        string[] names = [.. files.SelectMany(f => f.Values.Keys).Distinct(StringComparer.Ordinal).Where(n => !Replaceable.Contains(n))];
        var places = clips.Select((c, i) => (c.Id, i)).ToDictionary(c => c.Id, c => c.i, StringComparer.Ordinal);
        var added = Array.ConvertAll(clips, _ => names.ToDictionary(n => n, _ => (object?)null, StringComparer.Ordinal));
        var changed = Array.ConvertAll(clips, (clip) => clip);
        foreach (var file in files)
        {
            for (var row = 0; row < file.Ids.Length; row++)
            {
                if (places.TryGetValue(file.Ids[row], out var i))
                {
                    foreach (var (name, values) in file.Values)
                    {
                        changed[i] = Replaced(changed[i], name, values[row]);
                        if (!Replaceable.Contains(name))
                        {
                            added[i][name] = values[row];
                        }
                    }
                }
            }
        }

        for (var i = 0; i < changed.Length; i++)
        {
            changed[i] = changed[i] with { Added = added[i] };
        }

        return changed;
    }

    private static ClipEntry Replaced(ClipEntry clip, string name, object? value) => name switch
    {
        "label" => clip with { Label = value as string },
        "split" => clip with { Split = value as string },
        "labels" => clip with { Labels = value as IReadOnlyList<string> ?? (value is string label ? [label] : []) },
        "folds" => clip with { Folds = value as IReadOnlyList<string> ?? (value is string fold ? [fold] : []) },
        _ => clip,
    };
}
