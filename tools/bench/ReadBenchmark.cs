using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Pipeline;
using Xkd.Storage;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// The feed's reading beside the best readers in one Python process, out of the page cache: rows of 80 frames of 112×149 and ten seconds
/// of float16 log-mel, of which a sample is a window of 32 frames and 448 spectrogram frames, in batches of 8. Raw against memory-mapped
/// .npy, JPEG (quality 90) against an indexed tar of JPEG; <c>peers/read_numpy.py</c>. Beside both, what bare copies of the frames by two threads
/// reach. The sides take turns; medians of each round's ratios.
/// </summary>
internal static class ReadBenchmark
{
    private const int Clips = 64, Frames = 80, Height = 112, Width = 149, Mels = 80, MelFrames = 1119, Quality = 90;
    private const int Batch = 8, Window = 32, MelWindow = 448;
    private const long SampleBytes = (Window * Height * Width * 3) + (2 * Mels * MelWindow);

    /// <param name="rounds">Turns of each side.</param>
    /// <param name="peers">Folder of the peer scripts; null leaves them out.</param>
    /// <param name="python">The interpreter that has numpy and Pillow.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static async Task<int> RunAsync(int rounds, string? peers, string python, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("xkd-read-").FullName;
        try
        {
            foreach ((var codec, var peer, var steps) in new[] { (FrameCodecs.Raw, "npy", 1200L), (FrameCodecs.Jpeg, "tar", 40L) })
            {
                var cache = Path.Combine(folder, codec);
                await WriteAsync(cache, codec, Path.Combine(folder, "peer"), Clips).ConfigureAwait(false);
                using var bare = codec == FrameCodecs.Raw ? new BareCopy(Path.Combine(folder, "peer")) : null;
                List<double> ours = [], theirs = [], copies = [];
                for (var round = -1; round < rounds; round++)
                {
                    // The first turn warms up the page cache and the JIT.
                    (var rate, var cpu, var allocated) = await OursAsync(cache, steps, readers: 2).ConfigureAwait(false);
                    (var alone, var aloneCpu, _) = await OursAsync(cache, steps / 2, readers: 1).ConfigureAwait(false);
                    var copy = bare?.Rate(threads: 2, (int)steps * Batch / 2, Frames, Window, Height * Width * 3, Batch) ?? double.NaN;
                    (var other, var otherCpu) = peers is null ? (double.NaN, double.NaN) : await PeerAsync(python, Path.Combine(peers, "read_numpy.py"), peer, Path.Combine(folder, "peer")).ConfigureAwait(false);
                    if (round >= 0)
                    {
                        ours.Add(rate);
                        theirs.Add(other);
                        copies.Add(copy);
                        await output.WriteLineAsync(string.Create(
                            CultureInfo.InvariantCulture,
                            $"{codec} round {round + 1}: feed {rate:f0} samples/s, {cpu:f3} ms of CPU a sample, allocates {allocated:p2} of the payload; one reader {alone:f0}, {aloneCpu:f3} ms; {peer} {other:f0}, {otherCpu:f3} ms{(bare is null ? "" : $"; bare copy, two threads {copy:f0}")}")).ConfigureAwait(false);
                    }
                }

                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{codec}: {Median(ours):f0} samples/s ({Median(ours) * SampleBytes / 1e9:f2} GB/s); {Median(ours.Zip(theirs, (o, t) => o / t)):f2} times {peer} in one Python process{(bare is null ? "" : $"; bare copy {Median(copies.Zip(theirs, (c, t) => c / t)):f2} times")}")).ConfigureAwait(false);
                Directory.Delete(cache, recursive: true);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    /// <summary>Samples a second of a feed that reads windows and makes no views of them, their cost, and what it allocates as a share of what it delivers.</summary>
    internal static async Task<(double Rate, double CpuMs, double Allocated)> OursAsync(string cache, long steps, int readers)
    {
        FeedOptions options = new() { BatchSize = Batch, LocalVideoViews = 0, LocalAudioViews = 0, Readers = readers, Workers = 1, MemoryBudget = 1L << 30 };
        ClipFeed feed = new(new CacheClipSource(Cache.Open(cache)), options, new NoViews());
        await using (feed.ConfigureAwait(false))
        {
            // All that the feed may read ahead is held once, so that no batch's memory is new in what is measured.
            var warm = (int)(options.MemoryBudget / feed.BatchBytes);
            List<HostBatch> held = [];
            (long began, long allocated, long done) = (0, 0, 0);
            var cpu = TimeSpan.Zero;
            await foreach (var batch in feed.ReadAsync(0, warm + steps).ConfigureAwait(false))
            {
                if (++done <= warm / 2)
                {
                    held.Add(batch);
                    continue;
                }

                batch.Dispose();
                held.ForEach(b => b.Dispose());
                if (done == warm)
                {
                    (began, cpu, allocated) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());
                }
            }

            var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            var spent = (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / (steps * Batch);
            return (steps * Batch / seconds, spent, (GC.GetTotalAllocatedBytes() - allocated) / (double)(steps * Batch * SampleBytes));
        }
    }

    private static async Task<(double Rate, double CpuMs)> PeerAsync(string python, string script, string kind, string folder)
    {
        var root = await PeerScript.RunAsync(python, script, "numpy and Pillow", kind, folder).ConfigureAwait(false);
        return (root.GetProperty("samples_per_s").GetDouble(), root.GetProperty("cpu_ms").GetDouble());
    }

    // Smooth pictures that move, so that JPEG has what it has on video; the peer's copy lies beside as bare arrays and JPEG files.
    internal static async Task WriteAsync(string cache, string codec, string peer, int clips)
    {
        Directory.CreateDirectory(peer);
        Fingerprint fingerprint = new() { Decoder = "synthetic", FramesCodec = codec };
        var writer = await CacheWriter.OpenAsync(cache, fingerprint, new CacheWriterOptions { JpegQuality = Quality }, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            var frames = new byte[Frames * Height * Width * 3];
            var mel = new Half[Mels * MelFrames];
            for (var clip = 0; clip < clips; clip++)
            {
                Fill(frames, mel, clip);
                var id = $"clip{clip:d3}";
                var melBytes = MemoryMarshal.AsBytes(mel.AsSpan()).ToArray();
                await writer.AppendAsync(
                    new ClipRecord
                    {
                        Id = id, SourceItem = id, Source = id, Duration = Frames / 8.0, Fps = 8, Width = Width, Height = Height, NumFrames = Frames, Frames = frames, MelFrames = MelFrames, Mel = melBytes,
                        AudioRate = 16000, MelSum = mel.Sum(v => (double)v), MelSumSquares = mel.Sum(v => (double)v * (double)v),
                    },
                    CancellationToken.None).ConfigureAwait(false);
                await writer.SettleAsync(new LedgerEntry { Id = id, Source = id, State = ItemState.Committed }, CancellationToken.None).ConfigureAwait(false);
                await File.WriteAllBytesAsync(Path.Combine(peer, id + ".mel"), melBytes).ConfigureAwait(false);
                if (codec == FrameCodecs.Raw)
                {
                    await File.WriteAllBytesAsync(Path.Combine(peer, id + ".raw"), frames).ConfigureAwait(false);
                }
                else
                {
                    (var payload, var offsets) = JpegFrames.Encode(frames, Frames, Height, Width, Quality);
                    for (var frame = 0; frame < Frames; frame++)
                    {
                        await File.WriteAllBytesAsync(Path.Combine(peer, $"{id}.{frame:d2}.jpg"), payload[(int)offsets[frame]..(int)offsets[frame + 1]]).ConfigureAwait(false);
                    }
                }
            }

            await writer.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static void Fill(byte[] frames, Half[] mel, int clip)
    {
        Random random = new(clip);
        for (var i = 0; i < frames.Length; i++)
        {
            (var x, var y, var frame) = (i / 3 % Width, i / 3 / Width % Height, i / (3 * Width * Height));
            frames[i] = (byte)Math.Clamp(128 + (80 * Math.Sin((x * 0.05) + (frame * 0.2) + (i % 3) + clip)) + (40 * Math.Sin(y * 0.11)) + random.Next(-6, 6), 0, 255);
        }

        for (var i = 0; i < mel.Length; i++)
        {
            mel[i] = (Half)((random.NextDouble() * 10) - 12);
        }
    }
}

/// <summary>Leaves a feed's reading by itself: windows are read, and nothing is made of them.</summary>
internal sealed class NoViews : ISampleAugmenter
{
    public ClipAugmentation? Draw(in SampleKey key, int height, int width) => null;

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, VideoDestination destination)
    {
    }

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination)
    {
    }
}
