using System.Diagnostics;
using System.Globalization;

namespace Xkd.Storage.Tests;

/// <summary>The process that is killed: a small ingest which tells each step and each commit on stdout, and may kill itself before a step.</summary>
internal static class Victim
{
    public const string Verb = "victim";

    public static async Task<int> RunAsync(string[] args)
    {
        (var folder, var durable, var inPlace, var killBefore) = (args[0], args[1], bool.Parse(args[2]), int.Parse(args[3], CultureInfo.InvariantCulture));
        using var stdout = Console.OpenStandardOutput();
        var steps = 0;
        Tell("ready");
        PowerLossDisk disk = new(folder, durable, inPlace, name =>
        {
            if (steps++ == killBefore)
            {
                // SIGKILL to itself: no handler, no finally, no buffer flushed.
                Process.GetCurrentProcess().Kill();
                Process.GetCurrentProcess().WaitForExit();
            }

            Tell("step " + name);
        });
        await SmallIngest.RunAsync(folder, disk, version => Tell($"committed {version}"), CancellationToken.None);
        Tell("done");
        return 0;

        void Tell(string line)
        {
            stdout.Write(System.Text.Encoding.UTF8.GetBytes(line + "\n"));
            stdout.Flush();
        }
    }

    /// <summary>Starts it, kills it after <paramref name="life"/> if it has not ended by itself, and returns what it told.</summary>
    public static async Task<(string[] Lines, TimeSpan Worked)> StartAsync(string folder, string durable, bool inPlace, int killBefore, TimeSpan? life, CancellationToken ct)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_TieredCompilation"] = "1";
        foreach (var argument in new[] { Verb, folder, durable, inPlace.ToString(), killBefore.ToString(CultureInfo.InvariantCulture) })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        List<string> lines = [];
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync(ct));
        var begun = Stopwatch.GetTimestamp();
        var killer = life is { } limit ? KillAfterAsync(process, limit, ct) : Task.CompletedTask;
        while (await process.StandardOutput.ReadLineAsync(ct) is { } line)
        {
            lines.Add(line);
        }

        var worked = Stopwatch.GetElapsedTime(begun);
        await process.WaitForExitAsync(ct);
        await killer;
        return ([.. lines], worked);
    }

    private static async Task KillAfterAsync(Process process, TimeSpan life, CancellationToken ct)
    {
        await Task.Delay(life, ct);
        process.Kill();
    }
}
