using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Xkd.Storage.Tests;

/// <summary>What an ingest does, on a few small clips: skip what the ledger has settled, write the rest, commit now and then.</summary>
internal static class SmallIngest
{
    public static readonly ClipRecord[] All =
    [
        Small("a.mp4"), Small("b.mp4"), Small("long.mp4#0", "long.mp4"), Small("long.mp4#1", "long.mp4"), Small("c.mp4"), Small("d.mp4"), Small("e.mp4"),
    ];

    private static readonly CacheWriterOptions Options = new() { ShardRows = 3, RowGroupRows = 2 };

    /// <param name="cache">The cache folder.</param>
    /// <param name="disk">What it is written through.</param>
    /// <param name="committed">Told each version once its commit has returned.</param>
    /// <param name="ct">Ends the run.</param>
    public static async Task RunAsync(string cache, IFileSystem disk, Action<int> committed, CancellationToken ct)
    {
        await using var writer = await CacheWriter.OpenAsync(cache, Clips.Fingerprint, Options, TimeProvider.System, disk, ct);
        if (!writer.Ledger.ContainsKey("broken.mp4"))
        {
            await writer.AppendAsync(Small("broken.mp4"), ct);
            await writer.SettleAsync(Clips.Failed("broken.mp4"), ct);
        }

        foreach (var item in All.GroupBy(c => c.SourceItem).Where(i => !writer.Ledger.ContainsKey(i.Key)))
        {
            foreach (var clip in item)
            {
                await writer.AppendAsync(clip, ct);
            }

            await writer.SettleAsync(Clips.Committed(item.Key), ct);
            committed(writer.Head?.Version ?? 0);
            if (item.Key is "a.mp4" or "c.mp4")
            {
                committed((await writer.CommitAsync(ct)).Version);
            }
        }

        committed((await writer.CommitAsync(ct)).Version);
    }

    /// <summary>One line per clip of a committed cache, in id order: id, hash of its frames, hash of its mel.</summary>
    public static string[] Contents(string folder)
    {
        var cache = Cache.Open(folder);
        using ClipReader reader = new(cache);
        return [.. cache.Clips.Select(clip =>
        {
            var frames = new byte[clip.NumFrames * clip.FrameBytes];
            reader.ReadFrames(clip, 0, clip.NumFrames, frames);
            var mel = new Half[Clips.Fingerprint.Mels * clip.MelFrames];
            reader.ReadMel(clip, mel);
            return $"{clip.Id} {Hash(frames)} {Hash(MemoryMarshal.AsBytes(mel.AsSpan()))}";
        })];
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static ClipRecord Small(string id, string? item = null) => Clips.Make(id, frames: 2, height: 3, width: 4, melFrames: 2, item: item);
}
