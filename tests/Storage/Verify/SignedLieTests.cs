using System.Globalization;
using System.Text.Json.Nodes;

namespace Xkd.Storage.Tests;

/// <summary>Values that no writer writes, signed so that every checksum holds: readers and verify name the file, the row and the field.</summary>
public sealed class SignedLieTests : IAsyncLifetime, IDisposable
{
    private const string Manifest = "manifest/000001.json", Index = "index/main-000001.parquet", Shard = "shards/main-000001.parquet";
    private readonly TempFolder _folder = new();

    /// <summary>A field by its place, a value as JSON (none: the field goes), and the name that errors give it.</summary>
    public static TheoryData<string, string?, string> ManifestFields => new()
    {
        { "version", "2", "version" },
        { "version", "-1", "version" },
        { "schema", "0", "schema" },
        { "schema", null, "manifest" },
        { "parent", "1", "parent" },
        { "parent", "2", "parent" },
        { "parent", "0", "parent" },
        { "clips", "4", "clips" },
        { "clips", "-3", "clips" },
        { "clips", null, "manifest" },
        { "checksum", "\"md5\"", "checksum" },
        { "created", "null", "created" },
        { "fingerprint", "null", "fingerprint" },
        { "fingerprint.fps", "0", "fingerprint.fps" },
        { "fingerprint.fps", "-8", "fingerprint.fps" },
        { "fingerprint.fps", "1e999", "fingerprint.fps" },
        { "fingerprint.fps", "NaN", "fingerprint.fps" },
        { "fingerprint.fps", null, "fingerprint" },
        { "fingerprint.short_side", "0", "fingerprint.short_side" },
        { "fingerprint.short_side", "2147483647", "fingerprint.short_side" },
        { "fingerprint.sample_rate", "0", "fingerprint.sample_rate" },
        { "fingerprint.n_fft", "-1024", "fingerprint.n_fft" },
        { "fingerprint.hop", "0", "fingerprint.hop" },
        { "fingerprint.mels", "1000000000", "fingerprint.mels" },
        { "fingerprint.mels", "99999999999", "fingerprint.mels" },
        { "fingerprint.frames_codec", "\"h264\"", "fingerprint.frames_codec" },
        { "fingerprint.audio_codec", "\"\"", "fingerprint.audio_codec" },
        { "fingerprint.frame_rule", "\"any\"", "fingerprint.frame_rule" },
        { "mel.mean", "1e999", "mel" },
        { "mel.mean", "7", "mel" },
        { "mel.std", "-1", "mel" },
        { "mel.std", "NaN", "mel.std" },
        { "mel.frames", "-1", "mel" },
        { "mel.values", "3", "mel" },
        { "origins", "[null]", "origins[0]" },
        { "segments", "[null]", "segments[0]" },
        { "segments", "{}", "segments" },
        { "segments[0].rows", "-1", "segments[0].rows" },
        { "segments[0].rows", "0", "segments[0].rows" },
        { "segments[0].rows", null, "segments[0]" },
        { "segments[0].version", "0", "segments[0].version" },
        { "segments[0].version", "2", "segments[0].version" },
        { "segments[0].level", "99", "segments[0].level" },
        { "segments[0].index.path", "\"/etc/passwd\"", "segments[0].index.path" },
        { "segments[0].index.path", "\"index/../../main-000001.parquet\"", "segments[0].index.path" },
        { "segments[0].index.path", "\"shards/main-000001.parquet\"", "segments[0].index.path" },
        { "segments[0].index.path", "\"index/main-000001.parquet\\u0000\"", "segments[0].index.path" },
        { "segments[0].index.path", "\"index/main-000001.parquet\\n\"", "segments[0].index.path" },
        { "segments[0].index.path", "\"index/main-٠٠٠٠٠١.parquet\"", "segments[0].index.path" },
        { "segments[0].index.path", "\"index/main-000001.jsonl\"", "segments[0].index.path" },
        { "segments[0].index.bytes", "-1", "segments[0].index.bytes" },
        { "segments[0].index.bytes", "9223372036854775807", "segments[0].index.bytes" },
        { "segments[0].index.sha256", "\"/victim/important\"", "segments[0].index.sha256" },
        { "segments[0].ledger.path", "\"../../x\"", "segments[0].ledger.path" },
        { "segments[0].ledger.bytes", "-1", "segments[0].ledger.bytes" },
        { "segments[0].ledger.sha256", "\"x\"", "segments[0].ledger.sha256" },
        { "shards", "[null]", "shards[0]" },
        { "shards", "[]", "shards" },
        { "shards[0].path", "\"/etc/passwd\"", "shards[0].path" },
        { "shards[0].path", "\"shards/main-000009.parquet\"", "shards" },
        { "shards[0].rows", "-1", "shards[0].rows" },
        { "shards[0].rows", "9", "shards" },
        { "shards[0].bytes", "9223372036854775807", "shards[0].bytes" },
        { "shards[0].sha256", "\"/victim/important\"", "shards[0].sha256" },
        { "removals", "[null]", "removals[0]" },
        { "removals", "[{\"version\": 1, \"ids\": {\"path\": \"removed/../x\", \"bytes\": 1, \"sha256\": \"x\"}}]", "removals[0].ids.path" },
        { "parts[0].name", "\"main\\n\"", "parts[0].name" },
        { "parts[0].name", "\"../../x\"", "parts[0].name" },
        { "parts[0].number", "0", "parts[0].number" },
    };

    public static TheoryData<string, double, string> IndexFields => new()
    {
        { "start", double.NaN, "start" },
        { "duration", double.PositiveInfinity, "duration" },
        { "duration", -1, "duration" },
        { "fps", -8, "fps" },
        { "width", 0, "width" },
        { "width", -32, "width" },
        { "width", 65536, "width" },
        { "height", int.MaxValue, "height" },
        { "height", 1, "frames" },
        { "num_frames", -1, "num_frames" },
        { "num_frames", int.MaxValue, "frames" },
        { "mel_frames", -1, "mel_frames" },
        { "mel_frames", 26_000_000, "mel" },
        { "num_samples", 1, "num_samples" },
        { "audio_rate", -1, "audio_rate" },
        { "row", -1, "row" },
        { "row", 3, "row" },
        { "mel_sum", double.NaN, "mel_sum" },
        { "mel_sum_squares", -1, "mel_sum_squares" },
        { "frames_bytes", -1, "frames" },
        { "frames_bytes", 7, "frames" },
        { "frames_offset", -100, "frames" },
        { "mel_offset", -1, "mel" },
        { "frame_hash_offset", -8, "frame_hash" },
        { "frame_hash_offset", 1L << 62, "frame_hash" },
        { "pcm_offset", 1L << 40, "pcm" },
    };

    public async ValueTask InitializeAsync() =>
        await Clips.WriteAsync(_folder.Cache, Enumerable.Range(0, 3).Select(i => Clips.Make($"clip{i}", frames: 3, height: 4, width: 5, melFrames: 2)));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(ManifestFields))]
    public void Open_ImpossibleManifestField_NamesIt(string place, string? json, string named)
    {
        SignedCache.Change(_folder.Cache, manifest => Set(manifest, place, json));
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache));
        Assert.Equal((Manifest, named), (e.Shard, e.Column));
        Assert.Equal(new VerifyError(e.Shard, e.Row, e.Column, e.Expected, e.Got), Assert.Single(Verify()));
    }

    [Theory]
    [MemberData(nameof(IndexFields))]
    public void Clips_ImpossibleIndexField_NamesRowAndColumn(string field, double value, string named)
    {
        SignedCache.ChangeIndex(_folder.Cache, 0, (rows, _) => rows[1] = SignedCache.With(rows[1], field, value));
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache).Clips);
        Assert.Equal((Index, 1, named), (e.Shard, e.Row, e.Column));
        Assert.Equal(new VerifyError(e.Shard, e.Row, e.Column, e.Expected, e.Got), Assert.Single(Verify()));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Clips_RowCountThatLies_IsNamed(int count)
    {
        SignedCache.ChangeIndex(_folder.Cache, 0, (rows, _) =>
        {
            rows.Add(rows[0] with { Id = "more" });
            rows.RemoveRange(count, rows.Count - count);
        });
        Assert.Equal(Index, Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache).Clips).Shard);
        Assert.Single(Verify());
    }

    [Theory]
    [InlineData("path", "/etc/passwd")]
    [InlineData("path", "shards/../../main-000001.parquet")]
    [InlineData("path", "")]
    [InlineData("path", "shards\\main-000001.parquet")]
    [InlineData("path", "index/main-000001.parquet")]
    [InlineData("sha256", "/victim/important")]
    [InlineData("rows", "0")]
    [InlineData("rows", "2147483647")]
    [InlineData("bytes", "-1")]
    [InlineData("bytes", "9223372036854775807")]
    public void Open_ImpossibleShardOfAnIndex_NamesIt(string field, string value)
    {
        SignedCache.ChangeIndex(_folder.Cache, 0, (_, shards) => shards[0] = field switch
        {
            "path" => shards[0] with { Path = value },
            "sha256" => shards[0] with { Sha256 = value },
            "rows" => shards[0] with { Rows = int.Parse(value, CultureInfo.InvariantCulture) },
            _ => shards[0] with { Bytes = long.Parse(value, CultureInfo.InvariantCulture) },
        });
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache));
        Assert.Equal((Index, $"shards[0].{field}"), (e.Shard, e.Column));
        Assert.Equal(Index, Assert.Single(Verify()).Shard);
    }

    [Fact]
    public void Verify_SignedRowsAndPayloadThatDisagree_NamesRowAndColumn()
    {
        SignedCache.ChangeShard(_folder.Cache, 0, 0, (bytes, rows) => bytes[rows[2].MelOffset] ^= 1);
        var error = Assert.Single(Verify());
        Assert.Equal((Shard, 2L, "mel"), (error.Shard, error.Row, error.Column));
    }

    [Fact]
    public void Clips_OneIdTwice_IsNamedByReadersAndVerify()
    {
        SignedCache.ChangeIndex(_folder.Cache, 0, (rows, _) => rows[2] = rows[2] with { Id = "clip1" });
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache).Clips);
        Assert.Equal(("id", "clip1 twice"), (e.Column, e.Got));
        Assert.Equal("id", Assert.Single(Verify()).Column);
    }

    [Theory]
    [InlineData("segments")]
    [InlineData("parts")]
    public void Open_OneEntryTwice_IsNamed(string list)
    {
        SignedCache.Change(_folder.Cache, manifest => manifest[list]!.AsArray().Add(manifest[list]![0]!.DeepClone()));
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache));
        Assert.Equal(Manifest, e.Shard);
        Assert.StartsWith(list, e.Column, StringComparison.Ordinal);
        Assert.Single(Verify());
    }

    [Fact]
    public void Open_ALaterSchema_IsIncompatibleNotDamaged()
    {
        SignedCache.Change(_folder.Cache, manifest => manifest["schema"] = 7);
        Assert.Contains("schema 7, this program reads 2", Assert.Throws<UsageException>(() => Cache.Open(_folder.Cache)).Message, StringComparison.Ordinal);
        Assert.Equal(Manifest, Assert.Single(Verify()).Shard);
    }

    private VerifyError[] Verify() => [.. CacheVerifier.Verify(_folder.Cache, ct: TestContext.Current.CancellationToken).Errors];

    // "a.b[0].c", as errors write it.
    private static void Set(JsonObject manifest, string place, string? json)
    {
        JsonNode parent = manifest;
        var keys = place.Split('.', '[').Select(k => k.TrimEnd(']')).ToArray();
        foreach (var key in keys[..^1])
        {
            parent = int.TryParse(key, out var index) ? parent[index]! : parent[key]!;
        }

        if (json is null)
        {
            parent.AsObject().Remove(keys[^1]);
        }
        else if (int.TryParse(keys[^1], out var last))
        {
            parent[last] = Value(json);
        }
        else
        {
            parent[keys[^1]] = Value(json);
        }
    }

    private static JsonNode? Value(string json) => json is "NaN" or "1e999" ? SignedCache.Raw(json) : JsonNode.Parse(json);
}
