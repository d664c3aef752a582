using System.Text.Json.Nodes;

namespace Xkd.Storage.Tests;

/// <summary>Values that no writer writes, signed so that every checksum holds: readers and verify name the file, the row and the field.</summary>
public sealed class SignedLieTests : IAsyncLifetime, IDisposable
{
    private const string Manifest = "manifest/000001.json", Shard = "shards/main-000001.parquet";
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
        { "shards", "[null]", "shards[0]" },
        { "shards", "{}", "shards" },
        { "shards[0].path", "\"/etc/passwd\"", "shards[0].path" },
        { "shards[0].path", "\"shards/../../main-000001.parquet\"", "shards[0].path" },
        { "shards[0].path", "\"\"", "shards[0].path" },
        { "shards[0].path", "\"shards\\\\main-000001.parquet\"", "shards[0].path" },
        { "shards[0].path", "\"shards/main-000001.parquet\\u0000\"", "shards[0].path" },
        { "shards[0].path", "\"shards/main-000001.parquet\\n\"", "shards[0].path" },
        { "shards[0].path", "\"shards/main-٠٠٠٠٠١.parquet\"", "shards[0].path" },
        { "shards[0].sha256", "\"/victim/important\"", "shards[0].sha256" },
        { "shards[0].sha256", "\"\"", "shards[0].sha256" },
        { "shards[0].ids_sha256", "\"../00000000000000000000000000000000000000000000000000000000000000\"", "shards[0].ids_sha256" },
        { "shards[0].rows", "0", "shards[0].rows" },
        { "shards[0].rows", "2147483647", "shards[0].offsets" },
        { "shards[0].bytes", "-1", "shards[0].bytes" },
        { "shards[0].bytes", "9223372036854775807", "shards[0].bytes" },
        { "shards[0].footer_offset", "-1", "shards[0].footer_offset" },
        { "shards[0].footer_offset", null, "shards[0]" },
        { "shards[0].footer_crc", "-1", "shards[0].footer_crc" },
        { "shards[0].offsets", "[]", "shards[0].offsets" },
        { "shards[0].offsets[1]", "-100", "shards[0].offsets[1]" },
        { "shards[0].mel_offsets[2]", "9223372036854775807", "shards[0].mel_offsets[2]" },
        { "ledger[0].part", "\"../../x\"", "ledger[0].part" },
        { "ledger[0].part", "\"main\\n\"", "ledger[0].part" },
        { "ledger[0].bytes", "-1", "ledger[0].bytes" },
        { "ledger[0].bytes", "9223372036854775807", "ledger[0].bytes" },
        { "ledger[0].lines", "-1", "ledger[0].lines" },
        { "ledger[0].sha256", "\"x\"", "ledger[0].sha256" },
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
        { "frames_bytes", -1, "frames" },
        { "frames_bytes", 7, "frames" },
        { "frames", -100, "frames" },
        { "mel", -1, "mel" },
        { "frame_crc", -8, "frame_crc" },
        { "frame_crc", long.MaxValue, "frame_crc" },
        { "pcm", 1L << 40, "pcm" },
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
        var at = IndexField.All.Single(f => f.Name == field);
        var end = IndexField.RowEnds(_folder.In(Shard), Clips.Fingerprint.Mels)[1];
        SignedCache.ChangeShard(_folder.Cache, 0, (bytes, entry) =>
        {
            var number = at.Type == typeof(double) ? value : at.Type == typeof(int) ? (object)(int)value : value >= long.MaxValue ? long.MaxValue : (long)value;
            at.Set(bytes.AsSpan(0, entry["footer_offset"]!.GetValue<int>() + end), number);
        });
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache).Clips);
        Assert.Equal((Shard, 1, named), (e.Shard, e.Row, e.Column));
        Assert.Equal(new VerifyError(e.Shard, e.Row, e.Column, e.Expected, e.Got), Assert.Single(Verify()));
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData(2)]
    public void Clips_RowCountThatLies_IsNamedWithoutMemoryForIt(int count)
    {
        SignedCache.ChangeShard(_folder.Cache, 0, (bytes, entry) => BitConverter.TryWriteBytes(bytes.AsSpan(entry["footer_offset"]!.GetValue<int>() + 8), count));
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache).Clips);
        Assert.Equal((Shard, "footer", "3 rows", $"{count}"), (e.Shard, e.Column, e.Expected, e.Got));
        Assert.Single(Verify());
    }

    [Fact]
    public void Verify_SignedRowsAndPayloadThatDisagree_NamesRowAndColumn()
    {
        var mel = 0;
        SignedCache.ChangeShard(_folder.Cache, 0, (bytes, entry) => bytes[mel = entry["mel_offsets"]![2]!.GetValue<int>()] ^= 1);
        var error = Assert.Single(Verify());
        Assert.Equal((Shard, 2L, "mel"), (error.Shard, error.Row, error.Column));

        SignedCache.ChangeShard(_folder.Cache, 0, (bytes, _) => bytes[mel] ^= 1);
        Assert.Empty(Verify());
        var start = IndexField.All.Single(f => f.Name == "start");
        var end = IndexField.RowEnds(_folder.In(Shard), Clips.Fingerprint.Mels)[1];
        SignedCache.ChangeShard(_folder.Cache, 0, (bytes, entry) => start.Set(bytes.AsSpan(0, entry["footer_offset"]!.GetValue<int>() + end), 77.0));
        error = Assert.Single(Verify());
        Assert.Equal((Shard, 1L, "footer"), (error.Shard, error.Row, error.Column));
    }

    [Fact]
    public async Task Clips_OneIdInTwoShards_IsNamedByReadersAndVerify()
    {
        using TempFolder other = new();
        await Clips.WriteAsync(other.Cache, [Clips.Make("clip1", frames: 3, height: 4, width: 5, melFrames: 1), Clips.Make("new", frames: 3, height: 4, width: 5, melFrames: 1)]);
        var foreign = SignedCache.Read(await File.ReadAllBytesAsync(other.In(Manifest), TestContext.Current.CancellationToken))["shards"]![0]!.DeepClone();
        File.Copy(other.In(Shard), _folder.In("shards", "other-000001.parquet"));
        SignedCache.Change(_folder.Cache, manifest =>
        {
            foreign["path"] = "shards/other-000001.parquet";
            manifest["shards"]!.AsArray().Add(foreign);
            manifest["clips"] = 5;
        });
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache).Clips);
        Assert.Equal("id", e.Column);
        Assert.Contains("clip1 also in", e.Got, StringComparison.Ordinal);
        Assert.Equal("id", Assert.Single(Verify()).Column);
    }

    [Theory]
    [InlineData("shards", "path")]
    [InlineData("ledger", "part")]
    public void Open_OneEntryTwice_IsNamed(string list, string field)
    {
        SignedCache.Change(_folder.Cache, manifest =>
        {
            manifest[list]!.AsArray().Add(manifest[list]![0]!.DeepClone());
            manifest["clips"] = 3 * manifest["shards"]!.AsArray().Count;
        });
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache));
        Assert.Equal((Manifest, $"{list}[1].{field}"), (e.Shard, e.Column));
        Assert.Single(Verify());
    }

    [Fact]
    public void Open_ALaterSchema_IsIncompatibleNotDamaged()
    {
        SignedCache.Change(_folder.Cache, manifest => manifest["schema"] = 7);
        Assert.Contains("schema 7, this program reads 1", Assert.Throws<UsageException>(() => Cache.Open(_folder.Cache)).Message, StringComparison.Ordinal);
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
