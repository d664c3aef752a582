using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parquet;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>
/// A cache of schema 1, for converting it: its manifest listed every row, and its shards held the rows beside their payload. Only shards whose SHA-256 is as committed are read.
/// </summary>
internal sealed class LegacyCache(ICacheStore store, JsonObject manifest)
{
    /// <summary>The newest version of a cache as a version that holds nothing yet, which the converted one follows; null where the cache is of this schema.</summary>
    public static Manifest? Skeleton(byte[] bytes)
    {
        JsonObject fields;
        try
        {
            if (JsonNode.Parse(bytes) is not JsonObject { } read || read["schema"]?.GetValue<int>() != 1)
            {
                return null;
            }

            fields = read;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null; // it is damaged, whatever it is
        }

        var numbers = fields["shards"]!.AsArray().Select(s => CacheLayout.Parse(s!["path"]!.GetValue<string>())!.Value).GroupBy(s => s.Part, StringComparer.Ordinal);
        return new Manifest
        {
            Version = fields["version"]!.GetValue<int>(),
            Created = fields["created"]!.GetValue<string>(),
            Fingerprint = Read<Fingerprint>(fields, "fingerprint"),
            Origins = fields.ContainsKey("origins") ? Read<IngestOrigin[]>(fields, "origins") : [],
            Parts = [.. numbers.Select(g => new Part(g.Key, g.Max(s => s.Number)))],
        };
    }

    public static LegacyCache Open(ICacheStore store, int version) => new(store, JsonNode.Parse(store.TryRead(CacheLayout.Manifest(version))!)!.AsObject());

    public MelStatistics Mel => Read<MelStatistics>(manifest, "mel");

    /// <summary>All lines of its ledger.</summary>
    public byte[] Ledger() => [.. manifest["ledger"]!.AsArray().SelectMany(part =>
    {
        var name = part!["part"]!.GetValue<string>() + (part["mark"]?.GetValue<string>() is { } mark ? "." + mark : "");
        return IndexFile.Read(store, new StoredPart($"{CacheLayout.Ledgers}{name}.jsonl", part["bytes"]!.GetValue<long>(), part["sha256"]!.GetValue<string>()), most: part["bytes"]!.GetValue<long>());
    })];

    /// <summary>Its clips with their payload, a row group in memory at a time.</summary>
    /// <exception cref="CorruptCacheException">A shard is not as committed.</exception>
    public IEnumerable<ClipRecord> Clips(CancellationToken ct)
    {
        foreach (var shard in manifest["shards"]!.AsArray())
        {
            var path = shard!["path"]!.GetValue<string>();
            using var copy = store.Fetch(path);
            var digest = FileDigest.Of(copy.Path, ct);
            if (digest.Sha256 != shard["sha256"]!.GetValue<string>())
            {
                throw new CorruptCacheException(path, null, "file", $"sha256 {shard["sha256"]}", digest.Sha256);
            }

            using FileStream file = new(copy.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 14);
            var reader = ParquetReader.CreateAsync(file, cancellationToken: ct).GetAwaiter().GetResult();
            for (var group = 0; group < reader.RowGroupCount; group++)
            {
                ct.ThrowIfCancellationRequested();
                foreach (var clip in ReadGroupAsync(reader, group).GetAwaiter().GetResult())
                {
                    yield return clip;
                }
            }
        }
    }

    private async Task<ClipRecord[]> ReadGroupAsync(ParquetReader reader, int number)
    {
        var rows = await RowTable<ClipEntry>.ReadGroupAsync(reader, number);
        using var group = reader.OpenRowGroupReader(number);
        byte[]?[] offsets = await BytesAsync("frame_offsets"), mel = await BytesAsync("mel"), pcm = await BytesAsync("pcm"), frames = await BytesAsync("frames");
        return [.. rows.Select((row, i) => WithSums(new ClipRecord(row with { Item = SegmentId.Split(row.Id) is { Number: not null } segment ? segment.Item : null })
        {
            Frames = frames[i],
            FrameOffsets = MemoryMarshal.Cast<byte, uint>(offsets[i]).ToArray(),
            Mel = mel[i],
            Pcm = pcm[i],
        }))];

        async Task<byte[]?[]> BytesAsync(string name)
        {
            var values = new byte[]?[rows.Length];
            await group.ReadAsync(Array.Find(reader.Schema.DataFields, (DataField f) => f.Path.FirstPart == name)!, values.AsMemory());
            return values;
        }
    }

    // Schema 1 kept the sums of the whole cache alone. Those of a cached log-mel are of its values; a waveform gets its share of the cache's.
    private ClipRecord WithSums(ClipRecord clip)
    {
        if (clip.MelFrames > 0)
        {
            var values = MemoryMarshal.Cast<byte, Half>(clip.Mel.Span).ToArray();
            return clip with { MelSum = values.Sum(v => (double)v), MelSumSquares = values.Sum(v => (double)v * (double)v) };
        }

        var fingerprint = Read<Fingerprint>(manifest, "fingerprint");
        var share = clip.MelStatisticFrames(fingerprint) / (double)Math.Max(1, Mel.Frames);
        return clip with { MelSum = Mel.Sum * share, MelSumSquares = Mel.SumSquares * share };
    }

    private static T Read<T>(JsonObject fields, string name) => JsonSerializer.Deserialize<T>(fields[name], StorageJson.Options)!;
}
