namespace Xkd.Storage;

/// <summary>What was probably meant by a name that nothing has.</summary>
public static class Spelling
{
    private const int Longest = 100, PerEdit = 3;

    /// <summary>The known name nearest to <paramref name="name"/>; null where none is near.</summary>
    /// <param name="name">As written.</param>
    /// <param name="known">The names there are.</param>
    /// <param name="edits">Letters that may differ; of a long name a third of its letters.</param>
    public static string? Nearest(string name, IEnumerable<string> known, int edits = 2)
    {
        ArgumentNullException.ThrowIfNull(name);
        var nearest = name.Length > Longest ? null : known.MinBy(k => Distance(name, k));
        return nearest is not null && Distance(name, nearest) <= Math.Max(edits, name.Length / PerEdit) ? nearest : null;
    }

    // Levenshtein, one row at a time.
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
        }

        return row[b.Length];
    }
}
