namespace Xkd.Storage.Tests;

public sealed class ManifestStoreTests : IDisposable
{
    private const string Name = "manifest/000001.json";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TryPut_VersionTaken_LeavesTheFirstInPlace()
    {
        var store = Store();
        Assert.True(store.TryPut(Make(1, "first"), "a"));
        Assert.False(store.TryPut(Make(1, "second"), "b"));
        Assert.Equal("first", store.Head()!.Created);
        Assert.Equal(["000001.json"], Directory.GetFiles(_folder.In("manifest")).Select(Path.GetFileName));
    }

    [Fact]
    public void TryPut_ManyAtOnce_OneWins()
    {
        var store = Store();
        for (var version = 1; version <= 20; version++)
        {
            var wins = 0;
            Parallel.For(0, 8, i => Interlocked.Add(ref wins, store.TryPut(Make(version, $"writer {i}"), $"part{i}") ? 1 : 0));
            Assert.Equal(1, wins);
            Assert.Equal(version, store.Head()!.Version);
        }
    }

    [Fact]
    public void TryRead_AnyByteChangedOrCut_IsRefused()
    {
        var store = Store();
        store.TryPut(Make(1, "now"), "a");
        var path = _folder.In("manifest", "000001.json");
        var good = File.ReadAllBytes(path);
        for (var at = 0; at < good.Length; at++)
        {
            byte[] bad = [.. good];
            bad[at] ^= 1;
            Assert.Null(ManifestText.TryRead(Name, bad, out var changed));
            Assert.NotEmpty(changed);
            Assert.Null(ManifestText.TryRead(Name, good.AsSpan(0, at), out var cut));
            Assert.NotEmpty(cut);
        }

        Assert.NotNull(ManifestText.TryRead(Name, good, out _));
    }

    [Fact]
    public void TryRead_FileUnderAnotherVersionsName_IsRefused()
    {
        var store = Store();
        store.TryPut(Make(1, "now"), "a");
        File.Move(_folder.In("manifest", "000001.json"), _folder.In("manifest", "000005.json"));
        var e = Assert.Throws<CorruptCacheException>(() => store.TryRead(5, out _));
        Assert.Equal(("manifest/000005.json", "version", "5", "1"), (e.Shard, e.Column, e.Expected, e.Got));
    }

    [Fact]
    public void Write_Manifest_HasTheFieldsScriptsRelyOn()
    {
        var manifest = Make(2, "now") with
        {
            Parent = 1,
            Clips = 1,
            Origins = [new IngestOrigin { Dataset = "esc50", Root = "/data/ESC-50", Modalities = "audio", MaxClip = 60 }],
            Segments = [new Segment { Index = new StoredPart("index/a-000001.parquet", 9, new string('a', 64)), Rows = 1, Ledger = new StoredPart("ledger/a-000001.jsonl", 7, new string('b', 64)), Version = 2 }],
            Parts = [new Part("a", 1)],
            Listed = [new ShardEntry { Path = "shards/a-000001.parquet", Rows = 1, Bytes = 5, Sha256 = new string('c', 64) }],
        };
        using var json = System.Text.Json.JsonDocument.Parse(ManifestText.Write(manifest));
        Has(json.RootElement, "version", "schema", "parent", "created", "fingerprint", "clips", "mel", "origins", "checksum", "segments", "removals", "parts", "check");
        Has(json.RootElement, "shards");
        Has(json.RootElement.GetProperty("origins")[0], "dataset", "root", "split", "annotations", "modalities", "max_clip");
        Has(json.RootElement.GetProperty("fingerprint"), "fps", "short_side", "sample_rate", "n_fft", "hop", "mels", "frames_codec", "audio_codec", "decoder");
        Has(json.RootElement.GetProperty("mel"), "mean", "std", "frames");
        Has(json.RootElement.GetProperty("segments")[0], "index", "rows", "ledger", "version", "level");
        Has(json.RootElement.GetProperty("shards")[0], "path", "rows", "bytes", "sha256");
        Has(json.RootElement.GetProperty("segments")[0].GetProperty("index"), "path", "bytes", "sha256");
        Assert.Equivalent(manifest, ManifestText.TryRead(Name, ManifestText.Write(manifest), out _));
    }

    private static void Has(System.Text.Json.JsonElement json, params string[] keys) => Assert.Empty(keys.Except(json.EnumerateObject().Select(p => p.Name)));

    private ManifestStore Store()
    {
        Directory.CreateDirectory(_folder.In("manifest"));
        return new ManifestStore(new LocalStore(_folder.Cache, new LocalFileSystem()));
    }

    private static Manifest Make(int version, string created) => new() { Version = version, Created = created, Fingerprint = new Fingerprint { Decoder = "ffmpeg ü" } };
}
