using System.Globalization;

namespace Xkd.Ingest;

/// <summary>A row of a <see cref="CsvTable"/>, good until the next one is read.</summary>
internal readonly record struct CsvRow(CsvTable Table, Place Place)
{
    public int Count => Table.Count;

    public string this[int column] => Table[column];

    /// <summary>Empty where there is no such column.</summary>
    public string this[string column] => Table[column];

    public void Mistake(string problem) => Table.Mistake(Place, problem);

    /// <summary>A stretch in seconds; one that cannot be is a mistake.</summary>
    public (double Start, double End)? Stretch(string startName, string start, string endName, string end)
    {
        if (Seconds(startName, start) is not { } from || Seconds(endName, end) is not { } to)
        {
            return null;
        }

        if (to > from)
        {
            return (from, to);
        }

        Mistake($"{endName} {end} is not after {startName} {start}");
        return null;
    }

    // 31 years: what is longer is a time in another unit, or none.
    private const double Longest = 1e9;

    private double? Seconds(string name, string text)
    {
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var seconds) && seconds <= Longest)
        {
            return seconds;
        }

        Mistake(text.Length == 0 ? $"{name} is empty; write seconds" : $"{name} {text} is no number of seconds from 0 to 1e9");
        return null;
    }
}
