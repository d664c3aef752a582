using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Xkd.Bench;

/// <summary>
/// <see cref="AugmentationBenchmark"/> beside Pillow (<c>peers/augment_pil.py</c>) on one thread each, taking turns; medians of each round's
/// ratios of the time for one clip's video views.
/// </summary>
internal static class AugmentationComparison
{
    private const int Repetitions = 40;

    /// <param name="rounds">Turns of each side.</param>
    /// <param name="peers">Folder of the peer script.</param>
    /// <param name="python">The interpreter that has numpy and Pillow.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static async Task<int> RunAsync(int rounds, string peers, string python, TextWriter output)
    {
        AugmentationBenchmark benchmark = new();
        benchmark.Fill();
        Ours(benchmark); // compiles
        List<double> ratios = [];
        for (var round = 0; round < rounds; round++)
        {
            double ours = Ours(benchmark), theirs = await PillowAsync(python, Path.Combine(peers, "augment_pil.py")).ConfigureAwait(false);
            ratios.Add(theirs / ours);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"round {round + 1}: {ours:f2} ms a clip; Pillow {theirs:f1} ms")).ConfigureAwait(false);
        }

        double[] sorted = [.. ratios.Order()];
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"augmentation: {sorted[sorted.Length / 2]:f1} times as fast as Pillow, one thread")).ConfigureAwait(false);
        return 0;
    }

    private static double Ours(AugmentationBenchmark benchmark)
    {
        var times = new double[Repetitions];
        for (var i = 0; i < times.Length; i++)
        {
            var began = Stopwatch.GetTimestamp();
            benchmark.VideoGlobalAndLocal();
            times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }

        return times.Order().ElementAt(Repetitions / 2);
    }

    private static async Task<double> PillowAsync(string python, string script)
    {
        ProcessStartInfo start = new(python, [script, "15"]) { UseShellExecute = false, RedirectStandardOutput = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{python} did not start");
        var text = await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"augment_pil.py left with exit code {process.ExitCode}; it needs numpy and Pillow");
        }

        using var json = JsonDocument.Parse(text);
        return json.RootElement.GetProperty("ms_per_clip").GetDouble();
    }
}
