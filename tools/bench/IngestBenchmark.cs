using Xkd.Ingest;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// Ingest into a cache beside ffmpeg run once per clip with the same outputs to null, and beside libav in one process (PyAV,
/// <c>peers/decode_pyav.py</c>), on generated clips of 10 s, 340x256, h264. The three take turns; medians of each round's ratios are
/// compared. CPU is user and system time of all processes a side starts. Then ingest beside libav on the kinds of files that people have
/// (<see cref="MixedIngest"/>), kind by kind.
/// </summary>
internal static class IngestBenchmark
{
    private const int Clips = 24;
    private const int GivenFiles = 8;
    private const int Workers = 2;

    /// <param name="rounds">Turns of each side.</param>
    /// <param name="peers">Folder of the peer scripts; null leaves PyAV out.</param>
    /// <param name="python">The interpreter that has PyAV.</param>
    /// <param name="media">A folder of other files, for the table of kinds; null: none.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static async Task<int> RunAsync(int rounds, string? peers, string python, string? media, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("xkd-ingest-").FullName;
        List<Turn> ours = [], each = [], libav = [];
        try
        {
            var tools = FfmpegTools.Locate();
            var files = await CameraClips.GenerateAsync(tools, Path.Combine(folder, "media"), Clips, CancellationToken.None);
            var plainKind = new MediaKind("mp4", "h264+aac, the clips above", Turn: 0, Path.Combine(folder, "media"), files);
            IReadOnlyList<MediaKind> made = [plainKind, .. await MixedClips.GenerateAsync(tools, files, Path.Combine(folder, "mixed"), Clips)];
            var given = media is null ? [] : await MixedClips.OfFolderAsync(tools, media, Path.Combine(folder, "mixed"), GivenFiles);
            var mixed = new MixedIngest(tools, Workers, peers, python);
            for (var round = -1; round < rounds; round++)
            {
                // The first turn warms up the page cache and the JIT.
                Turn mine = await OursAsync(tools, folder, round), plain = await EachAsync(tools, files);
                var peer = peers is null ? null : await LibavAsync(python, peers, files);
                if (round >= 0)
                {
                    ours.Add(mine);
                    each.Add(plain);
                    libav.AddRange(peer is null ? [] : [peer]);
                    await mixed.RunAsync([.. made, .. given], Path.Combine(folder, "cache"));
                    await output.WriteLineAsync($"round {round + 1}: ingest {mine}; ffmpeg per clip {plain}{(peer is null ? string.Empty : $"; libav in process {peer}")}");
                }
            }

            await output.WriteLineAsync($"ingest: {Median(ours.Select(t => t.Rate)):f1} clips/s, {Median(ours.Select(t => t.CpuMs)):f0} ms of CPU a clip");
            Compare("ffmpeg once per clip", each);
            Compare("libav in one process", libav);
            await output.WriteLineAsync();
            foreach (var line in mixed.Table(made, "made").Concat(given.Count > 0 ? mixed.Table(given, "given").Prepend(string.Empty) : []))
            {
                await output.WriteLineAsync(line);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;

        void Compare(string name, List<Turn> theirs)
        {
            if (theirs.Count > 0)
            {
                output.WriteLine(
                    $"{name}: {Median(theirs.Select(t => t.Rate)):f1} clips/s, {Median(theirs.Select(t => t.CpuMs)):f0} ms; "
                    + $"ingest has {Median(ours.Zip(theirs, (o, t) => o.Rate / t.Rate)):f2} of its rate and {Median(ours.Zip(theirs, (o, t) => o.CpuMs / t.CpuMs)):f2} of its CPU");
            }
        }
    }

    private static async Task<Turn> OursAsync(FfmpegTools tools, string folder, int round)
    {
        var cache = Path.Combine(folder, $"cache{round}");
        IngestOptions options = new() { Root = Path.Combine(folder, "media"), Out = cache, Workers = Workers };
        var result = await new IngestJob(options, tools, TimeProvider.System).RunAsync(progress: null, CancellationToken.None);
        Directory.Delete(cache, recursive: true);
        return result.Clips == Clips ? new Turn(Clips / result.Seconds, result.CpuMsPerClip) : throw new InvalidOperationException($"{result.Clips} of {Clips} clips came out");
    }

    private static async Task<Turn> EachAsync(FfmpegTools tools, IReadOnlyList<string> files)
    {
        (var wall, var cpu) = await BareFfmpeg.RunAsync(tools, files, new IngestOptions { Root = string.Empty, Out = string.Empty, Workers = Workers }, CancellationToken.None);
        return new Turn(Clips / wall.TotalSeconds, cpu);
    }

    private static async Task<Turn> LibavAsync(string python, string peers, IReadOnlyList<string> files)
    {
        var run = await LibavPeer.RunAsync(python, peers, Workers, turn: 0, files);
        return run.Errors.Count == 0 ? new Turn(Clips / run.Seconds, run.CpuMs) : throw new InvalidOperationException($"libav does not decode a clip: {run.Errors[0]}");
    }

    private sealed record Turn(double Rate, double CpuMs)
    {
        public override string ToString() => $"{Rate:f1} clips/s {CpuMs:f0} ms";
    }
}
