using System.Diagnostics;
using System.Globalization;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Bench;

/// <summary>
/// Ranks under Open MPI and MPICH: the exchange of gradients beside MPI_Allreduce called from C (<c>peers/allreduce.c</c>), the sides taking turns, and the
/// time of a step on two ranks beside one.
/// </summary>
internal static class RanksBenchmark
{
    private const int Repetitions = 3, Steps = 4, RanksMany = 2;
    private const string Summed = "summed", Stepped = "stepped";

    private static readonly string[] OpenMpiOptions = ["--oversubscribe", "--bind-to", "none"];

    /// <param name="rounds">Turns of each side.</param>
    /// <param name="peers">Folder of the peer's source.</param>
    /// <param name="values">Values exchanged; the published ViT-B trains 206,347,000.</param>
    /// <param name="config">The configuration whose step is timed, each rank with its whole batch.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static async Task<int> RunAsync(int rounds, string peers, long values, string config, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("xkd-bench-ranks-").FullName;
        foreach (var flavor in new[] { "openmpi", "mpich" })
        {
            var peer = Path.Combine(folder, flavor);
            if (!File.Exists($"/usr/bin/mpirun.{flavor}") || !File.Exists($"/usr/bin/mpicc.{flavor}"))
            {
                await output.WriteLineAsync($"{flavor}: left out, mpirun.{flavor} or mpicc.{flavor} is missing");
                continue;
            }

            await RunAsync($"mpicc.{flavor}", "-O2", Path.Combine(peers, "allreduce.c"), "-o", peer);
            string[] self = [Environment.ProcessPath!, .. Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? [typeof(RanksBenchmark).Assembly.Location] : Array.Empty<string>()];
            List<double> toWhole = [], toChunked = [], seconds = [], toOne = [];
            for (var round = 0; round < rounds; round++)
            {
                var ours = await RanksAsync(flavor, RanksMany, [.. self, "rank", Text(values), config]);
                var raw = await RanksAsync(flavor, RanksMany, [peer, Text(values), Text(Repetitions)]);
                var alone = await RanksAsync(flavor, 1, [.. self, "rank", "0", config]);
                (var mine, var whole, var chunked) = (Median(ours, Summed), Median(raw, "whole"), Median(raw, "chunked"));
                (var many, var one) = (Median(ours, Stepped), Median(alone, Stepped));
                seconds.Add(mine);
                toWhole.Add(whole / mine);
                toChunked.Add(chunked / mine);
                toOne.Add(many / one);
                await output.WriteLineAsync($"{flavor} round {round + 1}: {mine:f3} s, C in one call {whole:f3} s, C in chunks {chunked:f3} s; a step {many:f0} ms on {RanksMany} ranks, {one:f0} ms alone");
            }

            await output.WriteLineAsync($"{flavor}: {values * sizeof(float) / 1e9 / Samples.Median(seconds):f2} GB/s of gradients over {RanksMany} ranks: {Samples.Median(toWhole):p0} of the rate of C in one call, "
                + $"{Samples.Median(toChunked):p0} of C in chunks; a step of {RanksMany} times the clips takes {Samples.Median(toOne):f2} times as long as alone");
        }

        Directory.Delete(folder, recursive: true);
        return 0;
    }

    /// <summary>What each rank runs.</summary>
    public static async Task<int> RankAsync(long values, string config, TextWriter output)
    {
        LibTorch.Load();
        using var ranks = RankGroup.Open(RankEnvironment.Detect());
        if (values > 0)
        {
            using var gradients = zeros(values);
            ranks.Sum(gradients); // touches the pages
            for (var i = 0; i < Repetitions; i++)
            {
                ranks.Barrier();
                var start = Stopwatch.GetTimestamp();
                ranks.Sum(gradients);
                ranks.Barrier();
                await SayAsync(Summed, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        var loaded = PretrainConfig.Load(config, []);
        Devices.SetThreads(loaded.Train.Threads);
        using StepBenchmark.RandomStep step = new(loaded, CPU, ranks);
        ranks.Barrier();
        foreach (var milliseconds in step.Run(1 + Steps).Skip(1))
        {
            await SayAsync(Stepped, milliseconds);
        }

        ranks.Barrier();

        return 0;

        async Task SayAsync(string what, double value)
        {
            if (ranks.IsFirst)
            {
                await output.WriteLineAsync($"{what} {value:f6}");
            }
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static double Median(string lines, string what) =>
        Samples.Median(lines.Split('\n').Where(line => line.StartsWith(what + " ", StringComparison.Ordinal)).Select(line => double.Parse(line[what.Length..], CultureInfo.InvariantCulture)));

    private static Task<string> RanksAsync(string flavor, int size, string[] command) =>
        RunAsync($"mpirun.{flavor}", ["-np", Text(size), .. flavor == "openmpi" ? OpenMpiOptions : [], .. command]);

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true };
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        start.Environment["OMPI_MCA_mpi_yield_when_idle"] = "1"; // as ranks that share a machine's cores have it: for C, too
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
