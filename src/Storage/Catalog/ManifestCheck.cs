using System.Buffers;

namespace Xkd.Storage;

/// <summary>
/// What a manifest can say at all. Whoever can write a cache can sign any manifest, so its check proves nothing of its values; they become paths, offsets and
/// lengths, and everything behind <see cref="ManifestText"/> takes them as they are.
/// </summary>
internal static class ManifestCheck
{
    private const int HashLength = 64;
    private const int HeaderBytes = 4; // PAR1
    private const long MostBytes = 1L << 48; // so that the sizes of a manifest add up
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    /// <summary>The first field that no writer can have written; null when all are possible.</summary>
    public static (string Field, string Expected, string Got)? Problem(Manifest manifest) =>
        OfHead(manifest)
        ?? Each("origins", manifest.Origins, OfOrigin)
        ?? Each("shards", manifest.Shards, OfShard)
        ?? Twice("shards", "path", manifest.Shards, s => s.Path)
        ?? Twice("shards", "sha256", manifest.Shards, s => s.Sha256)
        ?? OfClips(manifest)
        ?? Each("ledger", manifest.Ledger, OfPart)
        ?? Twice("ledger", "part", manifest.Ledger, p => p.Part);

    private static (string Field, string Expected, string Got)? OfHead(Manifest manifest) => manifest switch
    {
        { Version: < 1 } => ("version", "1 or more", $"{manifest.Version}"),
        { Schema: < 1 } => ("schema", "1 or more", $"{manifest.Schema}"),
        { Parent: { } parent } when parent < 1 || parent >= manifest.Version => ("parent", $"a version before {manifest.Version}", $"{parent}"),
        { Checksum: not "crc32c" } => ("checksum", "crc32c", manifest.Checksum),
        _ when FingerprintCheck.Problem(manifest.Fingerprint) is { } problem => ($"fingerprint.{problem.Key}", problem.Expected, problem.Got),
        _ when OfMel(manifest.Mel, manifest.Fingerprint.Mels) is { } problem => ("mel", problem.Expected, problem.Got),
        _ => null,
    };

    private static (string Expected, string Got)? OfMel(MelStatistics mel, int mels) => mel switch
    {
        _ when !double.IsFinite(mel.Mean + mel.Std + mel.Sum + mel.SumSquares) =>
            ("finite numbers", $"mean {mel.Mean}, std {mel.Std}, sum {mel.Sum}, sum_squares {mel.SumSquares}"),
        { Frames: < 0 } or { Frames: > long.MaxValue / (1 << 12) } => ("a number of frames", $"{mel.Frames}"),
        _ when mel.Values != mel.Frames * mels => ($"{mel.Frames * mels} values in {mel.Frames} frames of {mels} mels", $"{mel.Values}"),
        _ when Statistics(mel) is var (mean, std) && !(Near(mel.Mean, mean) && Near(mel.Std, std)) =>
            ($"mean {mean} and std {std} of these sums", $"{mel.Mean} and {mel.Std}"),
        _ => null,
    };

    private static (double Mean, double Std) Statistics(MelStatistics mel)
    {
        var of = new MelStatistics().Add(mel.Frames, mel.Values, mel.Sum, mel.SumSquares);
        return (of.Mean, of.Std);
    }

    private static bool Near(double found, double expected) => Math.Abs(found - expected) <= 1e-6 * (1 + Math.Abs(expected));

    private static (string Field, string Expected, string Got)? OfOrigin(IngestOrigin origin) =>
        double.IsFinite(origin.MaxClip) ? null : ("max_clip", "seconds", $"{origin.MaxClip}");

    private static (string Field, string Expected, string Got)? OfShard(ShardEntry shard)
    {
        var most = shard.FooterOffset;
        return shard switch
        {
            _ when CacheLayout.ParseShard(shard.Path) is null => ("path", "shards/PART-NNNNNN.parquet", shard.Path),
            { Rows: < 1 } => ("rows", "1 or more", $"{shard.Rows}"),
            { Bytes: < HeaderBytes or > MostBytes } => ("bytes", $"{HeaderBytes} to {MostBytes}", $"{shard.Bytes}"),
            _ when !IsHash(shard.Sha256) => ("sha256", "64 hex digits", shard.Sha256),
            _ when !IsHash(shard.IdsSha256) => ("ids_sha256", "64 hex digits", shard.IdsSha256),
            _ when most < HeaderBytes || most >= shard.Bytes || shard.Bytes - most > Array.MaxLength => ("footer_offset", $"{HeaderBytes} to {shard.Bytes}", $"{most}"),
            _ => OfOffsets("offsets", shard.Offsets) ?? OfOffsets("mel_offsets", shard.MelOffsets),
        };

        (string, string, string)? OfOffsets(string field, long[] offsets) =>
            offsets.Length != shard.Rows ? (field, $"one for each of {shard.Rows} rows", $"{offsets.Length}")
            : Array.FindIndex(offsets, o => o < HeaderBytes || o > most) is var row and >= 0 ? ($"{field}[{row}]", $"{HeaderBytes} to {most}", $"{offsets[row]}")
            : null;
    }

    private static (string Field, string Expected, string Got)? OfClips(Manifest manifest)
    {
        var rows = manifest.Shards.Sum(s => (long)s.Rows);
        return manifest.Clips == rows ? null : ("clips", $"the {rows} rows of the shards", $"{manifest.Clips}");
    }

    private static (string Field, string Expected, string Got)? OfPart(LedgerPart part) => part switch
    {
        _ when !CacheLayout.IsPartName(part.Part) => ("part", "letters, digits, - and _", part.Part),
        { Mark: { } mark } when mark.Length == 0 || mark.AsSpan().ContainsAnyExcept(Hex) => ("mark", "hex digits", mark),
        _ when part.Bytes < 0 || part.Bytes > Array.MaxLength => ("bytes", $"0 to {Array.MaxLength}", $"{part.Bytes}"),
        _ when part.Lines < 0 || part.Lines > part.Bytes => ("lines", $"0 to {part.Bytes}", $"{part.Lines}"),
        _ when !IsHash(part.Sha256) => ("sha256", "64 hex digits", part.Sha256),
        _ => null,
    };

    private static (string Field, string Expected, string Got)? Each<T>(string list, IReadOnlyList<T> items, Func<T, (string Field, string Expected, string Got)?> problemOf)
    {
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is null)
            {
                return ($"{list}[{i}]", "an object", "null");
            }

            if (problemOf(items[i]) is { } problem)
            {
                return ($"{list}[{i}].{problem.Field}", problem.Expected, problem.Got);
            }
        }

        return null;
    }

    private static (string Field, string Expected, string Got)? Twice<T>(string list, string field, IReadOnlyList<T> items, Func<T, string> key)
    {
        Dictionary<string, int> seen = new(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++)
        {
            if (!seen.TryAdd(key(items[i]), i))
            {
                return ($"{list}[{i}].{field}", "each once", $"that of {list}[{seen[key(items[i])]}]: {key(items[i])}");
            }
        }

        return null;
    }

    private static bool IsHash(string text) => text.Length == HashLength && !text.AsSpan().ContainsAnyExcept(Hex);
}
