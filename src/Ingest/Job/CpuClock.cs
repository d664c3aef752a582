using System.Globalization;

namespace Xkd.Ingest;

/// <summary>CPU time of this process and of its children that have ended (proc(5), stat fields 14 to 17).</summary>
public static class CpuClock
{
    private const double MillisecondsPerTick = 10; // USER_HZ is 100 on every Linux this runs on

    /// <summary>Milliseconds of user and system time.</summary>
    public static double Milliseconds()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return Enumerable.Range(11, 4).Sum(i => double.Parse(fields[i], CultureInfo.InvariantCulture)) * MillisecondsPerTick;
    }
}
