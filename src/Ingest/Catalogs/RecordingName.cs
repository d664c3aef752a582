using System.Buffers;
using System.Globalization;

namespace Xkd.Ingest;

/// <summary>
/// Names of files that hold a recording or a stretch of it, however a downloader writes them: the recording's id, before it nothing, a 'Y', "id_" or a title, after it
/// nothing, the start, or start and end, in seconds or milliseconds: <c>ID</c>, <c>id_ID</c>, <c>ID_30000</c>, <c>ID_000030_000040</c>, <c>ID_30.0-40.0</c>,
/// <c>[ID]-[30-40]</c>, <c>Title [ID]</c>, <c>Title-ID</c>, <c>ID_start30_end40</c>. An id is a whole word: YouTube's have eleven characters, of which '-' and '_' may be some.
/// </summary>
internal static class RecordingName
{
    private const int YouTubeId = 11;
    private static readonly SearchValues<char> Openers = SearchValues.Create("[({");
    private const string Closers = "])} ";
    private const string Separators = "[({" + Closers + "_-~,.+";
    private static readonly string[] Prefixes = ["Y", "id_"];
    private static readonly string[] Words = ["start", "end", "to"];
    private static readonly string[] Units = ["sec", "ms", "s"];

    /// <summary>What a name says of a stretch of a recording.</summary>
    public enum Holds
    {
        /// <summary>It is another recording's name, or another stretch's.</summary>
        Other,

        /// <summary>The stretch, or the whole recording: it has the id alone.</summary>
        Either,

        /// <summary>The stretch.</summary>
        Stretch,
    }

    /// <summary>The parts of a name, without its extension, that may be its recording's id; some come twice.</summary>
    public static List<Range> Ids(ReadOnlySpan<char> name)
    {
        var ids = new List<Range>(4);
        var ends = Ends(name);
        var known = false;
        foreach (var end in ends)
        {
            ids.Add(..end);
            known |= end == YouTubeId && IsWord(name[..end]);
            foreach (var prefix in Prefixes)
            {
                if (end > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal))
                {
                    ids.Add(prefix.Length..end);
                    known |= end == prefix.Length + YouTubeId && IsWord(name[prefix.Length..end]);
                }
            }

            if (end < name.Length && Closers.Contains(name[end]) && name[..end].LastIndexOfAny(Openers) is var opener and >= 0 && opener + 1 < end)
            {
                ids.Add((opener + 1)..end);
            }
        }

        // After a title; but what begins with an id, and goes on with times alone, has no title.
        foreach (var end in ends)
        {
            var start = end - YouTubeId;
            if (!known && start > 1 && IsWord(name[start..end]) && !char.IsAsciiLetterOrDigit(name[start - 1]) && !name[..(start - 1)].Trim(Separators).IsEmpty)
            {
                ids.Add(start..end);
            }
        }

        return ids;
    }

    /// <summary>What the file of a name holds of a stretch.</summary>
    /// <param name="name">The file's name without extension.</param>
    /// <param name="id">The recording's id.</param>
    /// <param name="start">Where the stretch starts, seconds.</param>
    /// <param name="end">Where it ends, seconds.</param>
    public static Holds Of(ReadOnlySpan<char> name, ReadOnlySpan<char> id, double start, double end)
    {
        foreach (var part in Ids(name))
        {
            if (name[part].SequenceEqual(id) && TryTimes(name[part.End..], out var said))
            {
                return said.Count == 0 ? Holds.Either
                    : Agree(said.First, start, 1, said.Whole) && (said.Count == 1 || Agree(said.Second, end, 1, said.Whole)) ? Holds.Stretch
                    : Agree(said.First, start, 1000, whole: false) && (said.Count == 1 || Agree(said.Second, end, 1000, whole: false)) ? Holds.Stretch
                    : Holds.Other;
            }
        }

        return Holds.Other;
    }

    // Whole seconds are the time with the rest cut off.
    private static bool Agree(double said, double listed, double unit, bool whole) => Math.Abs(said - Math.Round(listed * unit, unit == 1 ? 3 : 0)) < 1e-6 || (whole && said == Math.Floor(listed));

    private static bool IsWord(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_';

    private static bool IsWord(ReadOnlySpan<char> text)
    {
        foreach (var letter in text)
        {
            if (!IsWord(letter))
            {
                return false;
            }
        }

        return true;
    }

    // Where an id may end: what follows is times alone.
    private static List<int> Ends(ReadOnlySpan<char> name)
    {
        var ends = new List<int>(4);
        for (var end = name.Length; end > 0; end--)
        {
            if (TryTimes(name[end..], out _))
            {
                ends.Add(end);
            }
            else if (!char.IsAsciiLetterOrDigit(name[end]) && !Separators.Contains(name[end]))
            {
                break;
            }
        }

        return ends;
    }

    private static bool TryTimes(ReadOnlySpan<char> rest, out Times times)
    {
        times = new Times(0, 0, 0, Whole: true);
        var after = rest.TrimStart(Closers);
        if (after.IsEmpty)
        {
            return true;
        }

        while (!after.IsEmpty && times.Count < 2)
        {
            var text = after.TrimStart(Separators);
            if (text.Length == after.Length && (times.Count > 0 || after.Length == rest.Length))
            {
                return false; // nothing separates it from what comes before
            }

            text = Without(text, Words).TrimStart(Separators);
            var digits = Digits(text);
            if (digits == 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            times = new Times(times.Count + 1, times.Count == 0 ? number : times.First, number, times.Whole && !text[..digits].Contains('.'));
            after = text[digits..];
            var unit = Without(after, Units);
            after = (unit.IsEmpty || !char.IsAsciiLetterOrDigit(unit[0]) ? unit : after).TrimEnd(Closers);
        }

        return after.IsEmpty;
    }

    private static ReadOnlySpan<char> Without(ReadOnlySpan<char> text, string[] beginnings)
    {
        foreach (var beginning in beginnings)
        {
            if (text.StartsWith(beginning, StringComparison.OrdinalIgnoreCase))
            {
                return text[beginning.Length..];
            }
        }

        return text;
    }

    // "30", "30.0"; of "30.", "30".
    private static int Digits(ReadOnlySpan<char> text)
    {
        var whole = Count(text);
        return whole > 0 && whole + 1 < text.Length && text[whole] == '.' && Count(text[(whole + 1)..]) is var part and > 0 ? whole + 1 + part : whole;

        static int Count(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('0', '9') is var end and >= 0 ? end : text.Length;
    }

    private readonly record struct Times(int Count, double First, double Second, bool Whole);
}
