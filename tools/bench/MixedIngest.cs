using Xkd.Ingest;
using Xkd.Pipeline;
using Xkd.Storage;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// Ingest beside libav in one process (PyAV), a kind of file at a time, on generated and on given files. CPU is user and system time of all processes a
/// side starts; the two take turns, and medians of each round's ratios are compared.
/// </summary>
/// <param name="tools">The ffmpeg in use.</param>
/// <param name="workers">Files decoded at a time, on either side.</param>
/// <param name="peers">Folder of the peer scripts; null leaves PyAV out.</param>
/// <param name="python">The interpreter that has PyAV.</param>
internal sealed class MixedIngest(FfmpegTools tools, int workers, string? peers, string python)
{
    private readonly Dictionary<MediaKind, List<Turn>> _turns = [];

    /// <summary>One turn of each side with each kind that has files.</summary>
    public async Task RunAsync(IEnumerable<MediaKind> kinds, string cache)
    {
        foreach (var kind in kinds.Where(static kind => kind.Files.Count > 0))
        {
            var ours = await OursAsync(kind, cache);
            var libav = peers is null ? null : await LibavPeer.RunAsync(python, peers, workers, kind.Turn, kind.Files);
            if (!_turns.TryGetValue(kind, out var turns))
            {
                _turns.Add(kind, turns = []);
            }

            turns.Add(new Turn(ours, libav));
        }
    }

    /// <summary>The table: a line for each kind, then all of them, each kind counting the same.</summary>
    public IEnumerable<string> Table(IReadOnlyList<MediaKind> kinds, string all)
    {
        yield return "| container | codecs | by libraries | ingest, CPU ms a file | libav in one process | ratio | frames, s of sound: ingest | libav |";
        yield return "|---|---|---|---|---|---|---|---|";
        foreach (var kind in kinds)
        {
            yield return _turns.TryGetValue(kind, out var turns)
                ? Line(kind, turns)
                : $"| {kind.Container} | {kind.Streams} | | | cannot be made: {kind.Flaw} | | | |";
        }

        // A kind that one side cannot do has no ratio, and is in neither sum.
        var both = kinds.Select(kind => _turns.GetValueOrDefault(kind, []))
            .Where(static turns => turns.Count > 0 && turns.TrueForAll(static turn => turn.Ratio is not null)).ToList();
        if (both.Count > 0)
        {
            var rounds = Enumerable.Range(0, both[0].Count).ToList();
            var ours = rounds.ConvertAll(round => both.Average(turns => turns[round].Ours.CpuMs));
            var libav = rounds.ConvertAll(round => both.Average(turns => turns[round].Libav!.CpuMs));
            var ratio = Median(ours.Zip(libav, static (one, other) => one / other));
            yield return $"| **{all}** | {both.Count} of {kinds.Count} kinds | | {Median(ours):f0} | {Median(libav):f0} | **{ratio:f2}** | | |";
        }
    }

    private static string Line(MediaKind kind, List<Turn> turns)
    {
        var (ours, libav, files) = (turns[0].Ours, turns[0].Libav, kind.Files.Count);
        var mine = ours.Error is { } error ? $"cannot decode {error}" : $"{Median(turns.Select(static turn => turn.Ours.CpuMs)):f0}";
        var (theirs, beside) = ("", "");
        if (libav is not null)
        {
            theirs = libav.Errors.Count > 0
                ? $"cannot decode {libav.Errors.Count} of {files}: {libav.Errors[0]}"
                : $"{Median(turns.Select(static turn => turn.Libav!.CpuMs)):f0}";
            beside = Output(libav.Frames, libav.Samples / 16000.0, files);
        }

        var ratio = turns.TrueForAll(static turn => turn.Ratio is not null) ? $"{Median(turns.Select(static turn => turn.Ratio!.Value)):f2}" : "";
        var output = Output(ours.Frames, ours.Sound, files);
        return $"| {kind.Container} | {kind.Streams} | {ours.ByLibraries} of {files} | {mine} | {theirs} | {ratio} | {output} | {beside} |";
    }

    private static string Output(long frames, double sound, int files) => $"{(double)frames / files:0.#}, {sound / files:f1}";

    private async Task<Ours> OursAsync(MediaKind kind, string cache)
    {
        // People's files lack one or the other.
        var options = new IngestOptions { Root = kind.Folder, Out = cache, Workers = workers, OnMissing = MissingPolicy.Keep };
        var result = await new IngestJob(options, tools, TimeProvider.System).RunAsync(progress: null, CancellationToken.None);
        var clips = Cache.Open(cache).Clips;
        var mel = new LogMelOptions();
        var sound = clips.Sum(clip => Math.Max(0, clip.MelFrames - 1) * (double)mel.Hop / mel.SampleRate);
        Directory.Delete(cache, recursive: true);
        var error = result.FirstFailures is [var first, ..] ? $"{result.Failed} of {kind.Files.Count}: {first.Reason}" : null;
        var frames = clips.Sum(static clip => (long)clip.NumFrames);
        return new Ours(result.CpuMsPerClip * result.Clips / kind.Files.Count, result.DecodedByLibraries, frames, sound, error);
    }

    private sealed record Ours(double CpuMs, int ByLibraries, long Frames, double Sound, string? Error);

    private sealed record Turn(Ours Ours, LibavPeer? Libav)
    {
        /// <summary>Ingest's CPU to libav's; null unless both decode every file.</summary>
        public double? Ratio => Ours.Error is null && Libav is { Errors.Count: 0 } libav ? Ours.CpuMs / libav.CpuMs : null;
    }
}
