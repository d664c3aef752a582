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
        ?? Each("segments", manifest.Segments, s => OfSegment(s, manifest.Version))
        ?? Each("removals", manifest.Removals, r => OfVersion(r.Version, manifest.Version) ?? OfFile("ids", r.Ids, CacheLayout.Removed))
        ?? Each("columns", manifest.Columns, c => OfFile("file", c.File, CacheLayout.Columns) ?? (c.Names.Contains(null!) ? ("names", "texts", "null") : null))
        ?? Each("parts", manifest.Parts, OfPart)
        ?? Twice("parts", "name", manifest.Parts, p => p.Name)
        ?? Twice("segments", "path", [.. manifest.Files], f => f.Path)
        ?? (manifest.Listed is { } listed ? Problem(listed) : null)
        ?? OfClips(manifest);

    /// <summary>The first of an index's shards that no writer can have listed.</summary>
    public static (string Field, string Expected, string Got)? Problem(IReadOnlyList<ShardEntry> shards) =>
        Each("shards", shards, OfShard) ?? Twice("shards", "path", shards, s => s.Path) ?? Twice("shards", "sha256", shards, s => s.Sha256);

    private static (string Field, string Expected, string Got)? OfHead(Manifest manifest) => manifest switch
    {
        { Version: < 1 } => ("version", "1 or more", $"{manifest.Version}"),
        { Schema: < 1 } => ("schema", "1 or more", $"{manifest.Schema}"),
        { Parent: { } parent } when parent < 1 || parent >= manifest.Version => ("parent", $"a version before {manifest.Version}", $"{parent}"),
        { Checksum: not "xxh3" } => ("checksum", "xxh3", manifest.Checksum),
        _ when manifest.Oldest < 1 || manifest.Oldest > manifest.Version => ("oldest", $"1 to {manifest.Version}", $"{manifest.Oldest}"),
        { Clips: < 0 } => ("clips", "0 or more", $"{manifest.Clips}"),
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

    private static (string Field, string Expected, string Got)? OfClips(Manifest manifest)
    {
        var rows = manifest.Segments.Sum(s => (long)s.Rows);
        return manifest.Clips > rows ? ("clips", $"at most the {rows} rows of the segments", $"{manifest.Clips}") : null;
    }

    private static (string Field, string Expected, string Got)? OfShard(ShardEntry shard) => shard switch
    {
        _ when CacheLayout.Parse(shard.Path)?.Folder != CacheLayout.Shards => ("path", "shards/PART-NNNNNN.parquet", shard.Path),
        { Rows: < 1 } or { Rows: > 1 << 24 } => ("rows", $"1 to {1 << 24}", $"{shard.Rows}"),
        { Bytes: < HeaderBytes or > MostBytes } => ("bytes", $"{HeaderBytes} to {MostBytes}", $"{shard.Bytes}"),
        _ when !IsHash(shard.Sha256) => ("sha256", "64 hex digits", shard.Sha256),
        _ => null,
    };

    private static (string Field, string Expected, string Got)? OfSegment(Segment segment, int newest) => segment switch
    {
        { Rows: < 0 } or { Index: null, Rows: > 0 } or { Index: not null, Rows: 0 } => ("rows", "those of an index", $"{segment.Rows}"),
        { Level: < 0 or > Segments.MostMerged } => ("level", $"0 to {Segments.MostMerged}", $"{segment.Level}"),
        _ => OfVersion(segment.Version, newest)
            ?? (segment.Index is { } index ? OfFile("index", index, CacheLayout.Indexes) : null)
            ?? (segment.Ledger is { } ledger ? OfFile("ledger", ledger, CacheLayout.Ledgers) : null),
    };

    private static (string Field, string Expected, string Got)? OfVersion(int version, int newest) =>
        version < 1 || version > newest ? ("version", $"1 to {newest}", $"{version}") : null;

    private static (string Field, string Expected, string Got)? OfFile(string field, StoredPart file, string folder) => file switch
    {
        _ when CacheLayout.Parse(file.Path)?.Folder != folder => ($"{field}.path", $"{folder}PART-NNNNNN", file.Path),
        { Bytes: < 0 } or { Bytes: > int.MaxValue / 2 } => ($"{field}.bytes", $"0 to {int.MaxValue / 2}", $"{file.Bytes}"),
        _ when !IsHash(file.Sha256) => ($"{field}.sha256", "64 hex digits", file.Sha256),
        _ => null,
    };

    private static (string Field, string Expected, string Got)? OfPart(Part part) => part switch
    {
        _ when !CacheLayout.IsPartName(part.Name) => ("name", "letters, digits, - and _", part.Name),
        { Number: < 1 } => ("number", "1 or more", $"{part.Number}"),
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
