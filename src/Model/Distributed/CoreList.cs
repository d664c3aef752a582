using System.Globalization;

namespace Xkd.Model.Distributed;

/// <summary>Cores as Linux lists them: <c>0-3,8</c>.</summary>
internal static class CoreList
{
    private const string Status = "/proc/self/status", Allowed = "Cpus_allowed_list:";

    /// <summary>The cores that the launcher, or whoever started this process, lets it run on.</summary>
    public static string OfThisProcess()
    {
        string? line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(Allowed, StringComparison.Ordinal)) : null;
        return line is null ? string.Create(CultureInfo.InvariantCulture, $"0-{Environment.ProcessorCount - 1}") : line[Allowed.Length..].Trim();
    }

    public static HashSet<int> Parse(string list) =>
    [
        .. list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('-')).SelectMany(ends =>
        {
            int first = int.Parse(ends[0], CultureInfo.InvariantCulture), last = int.Parse(ends[^1], CultureInfo.InvariantCulture);
            return Enumerable.Range(first, last - first + 1);
        }),
    ];
}
