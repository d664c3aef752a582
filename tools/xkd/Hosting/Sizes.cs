using System.CommandLine.Parsing;
using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary>Reads sizes (<c>1GiB</c>), delays (<c>decode=50</c>) and partitions (<c>2/8</c>) from the command line.</summary>
internal static class Sizes
{
    private const long MostBytes = 1L << 60;

    // Of a stage: an hour.
    private static readonly NumberRange Delays = new(0, 3_600_000);

    // In any unit: a hundred years of days.
    private static readonly NumberRange MostAge = new(0, 36_500);

    private static readonly (char Suffix, double Seconds)[] Ages = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

    private static readonly (string Suffix, long Bytes)[] Units =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1)];

    /// <summary>Bytes from <c>512MiB</c>, <c>1GiB</c>, <c>2GB</c> or a plain number.</summary>
    public static ByteSize Parse(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        (var suffix, var unit) = Units.FirstOrDefault(u => text.EndsWith(u.Suffix, StringComparison.Ordinal), (string.Empty, 1));
        var number = text[..^suffix.Length];
        if (new NumberRange(0, (double)MostBytes / unit, above: true).TryRead(number, out double value, out var fix))
        {
            return new ByteSize((long)(value * unit));
        }

        result.AddError($"{result.Argument.Name} {text}: {fix}{suffix}, or a size such as 512MiB or 1GiB");
        return default;
    }

    /// <summary>A time from <c>7d</c>, <c>12h</c>, <c>30m</c>, <c>45s</c> or <c>0</c>.</summary>
    public static Age ParseAge(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == "0")
        {
            return default;
        }

        (var suffix, var seconds) = Ages.FirstOrDefault(age => text.EndsWith(age.Suffix));
        var fix = string.Empty;
        if (seconds > 0 && MostAge.TryRead(text[..^1], out double value, out fix))
        {
            return new Age(TimeSpan.FromSeconds(seconds * value));
        }

        result.AddError($"{result.Argument.Name} {text}: {(seconds > 0 ? $"{fix}{suffix}, or" : "write")} a time such as 7d, 12h, 30m, 45s, or 0");
        return default;
    }

    /// <summary>Part i of n, from <c>i/n</c> with 1 ≤ i ≤ n; <c>auto</c> and <c>auto/n</c> ask the scheduler.</summary>
    public static Partition ParsePartition(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var halves = text.Split('/');
        var parts = 0;
        if (text == "auto" || (halves is ["auto", string whole] && int.TryParse(whole, out parts) && parts >= 1))
        {
            try
            {
                (var own, var all) = SchedulerPartition.Read(Environment.GetEnvironmentVariable, parts > 0 ? parts : null);
                return new Partition(own, all);
            }
            catch (UsageException e)
            {
                result.AddError(e.Message);
                return default;
            }
        }

        if (halves.Length == 2 && int.TryParse(halves[0], out var part) && int.TryParse(halves[1], out var of) && part >= 1 && part <= of)
        {
            return new Partition(part, of);
        }

        result.AddError($"--partition {text}: write i/n, for example 1/4, with i from 1 to n, or auto under a scheduler, or auto/n");
        return default;
    }

    /// <summary>Delays by stage, from <c>stage=milliseconds</c> assignments.</summary>
    public static Dictionary<string, TimeSpan> ParseDelays(ArgumentResult result)
    {
        Dictionary<string, TimeSpan> delays = new(StringComparer.Ordinal);
        foreach (var text in result.Tokens.Select(t => t.Value))
        {
            var halves = text.Split('=');
            var fix = string.Empty;
            if (halves.Length == 2 && Delays.TryRead(halves[1], out double ms, out fix))
            {
                delays[halves[0]] = TimeSpan.FromMilliseconds(ms);
            }
            else
            {
                result.AddError($"--delay-stage {text}: write stage=milliseconds, for example decode=50{(fix.Length > 0 ? $"; for {halves[1]} {fix}" : string.Empty)}");
            }
        }

        return delays;
    }
}
