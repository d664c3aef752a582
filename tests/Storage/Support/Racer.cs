using System.Diagnostics;
using System.Globalization;

namespace Xkd.Storage.Tests;

/// <summary>A process that commits clip after clip under a part of its own, from the moment it is told to.</summary>
internal static class Racer
{
    public const string Verb = "racer";

    public static async Task<int> RunAsync(string[] args)
    {
        (var cache, var part, var commits) = (args[0], args[1], int.Parse(args[2], CultureInfo.InvariantCulture));
        Console.WriteLine("ready");
        Console.ReadLine();
        await using var writer = await CacheWriter.OpenAsync(cache, Clips.Fingerprint, new CacheWriterOptions { Part = part }, TimeProvider.System, CancellationToken.None);
        for (var i = 0; i < commits; i++)
        {
            await writer.AppendAsync(Clips.Make($"{part} {i}", frames: 1), CancellationToken.None);
            await writer.SettleAsync(Clips.Committed($"{part} {i}"), CancellationToken.None);
            await writer.CommitAsync(CancellationToken.None);
        }

        return 0;
    }

    /// <summary>Starts that many, lets them go at once, and returns what they said on stderr.</summary>
    public static async Task<string[]> RaceAsync(string cache, int racers, int commits, IReadOnlyDictionary<string, string> environment, CancellationToken ct)
    {
        Process[] processes = [.. Enumerable.Range(0, racers).Select(i => Start(cache, $"part-{i}", commits, environment))];
        try
        {
            foreach (var process in processes)
            {
                Assert.Equal("ready", await process.StandardOutput.ReadLineAsync(ct));
            }

            Array.ForEach(processes, p => p.StandardInput.WriteLine("go"));
            var errors = await Task.WhenAll(processes.Select(p => p.StandardError.ReadToEndAsync(ct)));
            await Task.WhenAll(processes.Select(p => p.WaitForExitAsync(ct)));
            return [.. errors.Where(e => e.Length > 0)];
        }
        finally
        {
            foreach (var process in processes)
            {
                process.Kill();
                process.Dispose();
            }
        }
    }

    private static Process Start(string cache, string part, int commits, IReadOnlyDictionary<string, string> environment)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in new[] { Verb, cache, part, commits.ToString(CultureInfo.InvariantCulture) })
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((var name, var value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
