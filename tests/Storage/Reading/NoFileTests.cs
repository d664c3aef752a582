using System.Diagnostics;

namespace Xkd.Storage.Tests;

/// <summary>What has a file's name in a cache and is none: nothing waits for it, follows it or takes it for one.</summary>
public sealed class NoFileTests : IAsyncLifetime, IDisposable
{
    private const string Manifest = "manifest/000001.json", Shard = "shards/main-000001.parquet", Part = "ledger/main-000001.jsonl", Ledger = "ledger.jsonl";
    private readonly TempFolder _folder = new();

    public async ValueTask InitializeAsync() => await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b")]);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Manifest, "pipe", "a named pipe")]
    [InlineData(Shard, "pipe", "a named pipe")]
    [InlineData(Part, "pipe", "a named pipe")]
    [InlineData(Manifest, "folder", "a folder")]
    [InlineData(Shard, "folder", "a folder")]
    [InlineData(Part, "folder", "a folder")]
    [InlineData(Manifest, "link", "a link to ")]
    [InlineData(Shard, "link", "a link to ")]
    [InlineData(Part, "link", "a link to ")]
    [InlineData(Shard, "/dev/zero", "a link to /dev/zero")]
    [InlineData(Manifest, "/dev/zero", "a link to /dev/zero")]
    public void ReadAndVerify_NoFileUnderAFilesName_NameIt(string name, string kind, string named)
    {
        Replace(name, kind);
        var e = Assert.Throws<CorruptCacheException>(() => CacheSummary.Of(_folder.Cache));
        Assert.Equal((name, "file"), (e.Shard, e.Column));
        Assert.StartsWith(named, e.Got, StringComparison.Ordinal);
        var error = Assert.Single(Verify());
        Assert.Equal((name, "file"), (error.Shard, error.Column));
        Assert.StartsWith(named, error.Got, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pipe")]
    [InlineData("folder")]
    [InlineData("link")]
    public void Verify_NoFileUnderTheMergedLedgersName_NamesIt(string kind)
    {
        Replace(Ledger, kind);
        Assert.Equal(Ledger, Assert.Single(Verify()).Shard);
    }

    [Theory]
    [InlineData("shards")]
    [InlineData("manifest")]
    public void Open_AFolderThatIsALink_IsNamed(string folder)
    {
        Directory.Move(_folder.In(folder), Path.Combine(_folder.Path, "outside"));
        Directory.CreateSymbolicLink(_folder.In(folder), Path.Combine(_folder.Path, "outside"));
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(_folder.Cache));
        Assert.Equal((folder, "folder"), (e.Shard, e.Column));
        Assert.Equal((folder, "folder"), Assert.Single(Verify().Select(v => (v.Shard, v.Column))));
    }

    [Fact]
    public async Task Verify_NamesThatNothingReads_AreReportedAndReadersGoOn()
    {
        string[] strays = ["abc.json", "000001.json.tmp", "1.json", "0000001.json", "000000.json", "٠٠٠٠٠١.json", "2000000000.json", "000001.JSON"];
        foreach (var stray in strays)
        {
            await File.WriteAllTextAsync(_folder.In("manifest", stray), "{}", TestContext.Current.CancellationToken);
        }

        Directory.CreateDirectory(_folder.In("manifest", "folder"));
        await File.WriteAllTextAsync(_folder.In("manifest", "000002.json.main.tmp"), "a dead writer's", TestContext.Current.CancellationToken);
        Assert.Equal([.. strays.Append("folder").Select(s => "manifest/" + s).Order(StringComparer.Ordinal)], Verify().Select(e => e.Shard).Order(StringComparer.Ordinal));
        Assert.Equal(2, Cache.Open(_folder.Cache).Clips.Count);
    }

    [Fact]
    public void Verify_AVersionFarAway_NamesTheGapOnce()
    {
        File.Copy(_folder.In(Manifest), _folder.In("manifest", "999999999.json"));
        var errors = Verify();
        Assert.Equal(["manifest/999999998.json", "manifest/999999999.json"], errors.Select(e => e.Shard));
        Assert.Equal("no file, nor of the 999999996 versions before it", errors[0].Got);
    }

    private void Replace(string name, string kind)
    {
        var path = _folder.In(name);
        File.Move(path, Path.Combine(_folder.Path, "outside"));
        switch (kind)
        {
            case "pipe":
                using (var made = Process.Start("mkfifo", [path]))
                {
                    made.WaitForExit();
                }

                break;
            case "folder":
                Directory.CreateDirectory(path);
                break;
            default:
                File.CreateSymbolicLink(path, kind == "link" ? Path.Combine(_folder.Path, "outside") : kind);
                break;
        }
    }

    private VerifyError[] Verify() => [.. CacheVerifier.Verify(_folder.Cache, ct: TestContext.Current.CancellationToken).Errors];
}
