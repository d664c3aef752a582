using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class FolderCatalogTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("xkd-catalog-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Items_ClassFoldersAndFlatFiles_AreListedInOrdinalOrder()
    {
        foreach (var file in new[] { "b/2.mp4", "B/1.avi", "b/deep/3.xyz", "flat.webm", ".hidden", "b/.part.mp4", ".git/x.mp4" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_root, file))!);
            File.WriteAllText(Path.Combine(_root, file), "");
        }

        var items = Open(_root + "/").List(TestContext.Current.CancellationToken).Items;

        Assert.Equal(["B/1.avi", "b/2.mp4", "b/deep/3.xyz", "flat.webm"], items.Select(static item => item.Id));
        Assert.Equal(["B", "b", "b", null], items.Select(static item => item.Label));
        Assert.Equal([1, 1, 1, 0], items.Select(static item => item.Labels.Count));
        Assert.All(items, static item => Assert.True(File.Exists(item.Path)));
    }

    [Fact]
    public void Items_CachesBelowTheRoot_AreLeftOutAndOthersNoted()
    {
        foreach (var file in new[] { "b/1.mp4", "own/ledger.jsonl", "b/other/manifest/000001.json", "b/other/shards/main-000001.parquet", "b/other/ledger/main.jsonl", "shards/2.mp4" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_root, file))!);
            File.WriteAllText(Path.Combine(_root, file), "");
        }

        var listing = DatasetRegistry.Open("folder", new CatalogOptions { Root = _root, Out = Path.Combine(_root, "own") }).List(TestContext.Current.CancellationToken);

        Assert.Equal(["b/1.mp4", "shards/2.mp4"], listing.Items.Select(static item => item.Id));
        Assert.Equal($"{Path.Combine(_root, "b/other")} is a cache and is left out", Assert.Single(listing.Notes));
    }

    [Fact]
    public void Items_DocumentsAndPicturesBesideMedia_AreIgnoredAndNotedUnlessStrict()
    {
        string[] sidecars = ["c/a.srt", "c/a.JPG", "c/a.info.json", "c/Thumbs.db", "c/desktop.ini", "c/b.mp4.part", "README.md"];
        foreach (var file in sidecars.Concat(["c/a.mp4", "c/noextension", "c/a.rare", "c/a.gif"]))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_root, file))!);
            File.WriteAllText(Path.Combine(_root, file), "");
        }

        var listing = Open(_root).List(TestContext.Current.CancellationToken);
        var strict = DatasetRegistry.Open("folder", new CatalogOptions { Root = _root, Strict = true }).List(TestContext.Current.CancellationToken);

        Assert.Equal(["c/a.gif", "c/a.mp4", "c/a.rare", "c/noextension"], listing.Items.Select(static item => item.Id));
        Assert.Equal("7 files that are no media are ignored, such as README.md; --strict makes them items, which fail", Assert.Single(listing.Notes));
        Assert.Equal(11, strict.Items.Count);
        Assert.Empty(strict.Notes);
    }

    [Fact]
    public void Items_DocumentsAlone_IsAUsageErrorThatNamesThem()
    {
        File.WriteAllText(Path.Combine(_root, "a.txt"), "");

        Names(_root, "1 files that are no media are ignored, such as a.txt");
    }

    [Fact]
    public void Items_EmptyRoot_IsAUsageError() => Names(_root, "no files under");

    [Fact]
    public void Items_MissingRoot_IsAUsageError() => Names(Path.Combine(_root, "nowhere"), "does not exist");

    [Fact]
    public void Open_UnknownDataset_NamesTheKnownOnes()
    {
        var error = Assert.Throws<UsageException>(() => DatasetRegistry.Open("imagenet", new CatalogOptions { Root = _root }));

        Assert.Contains("imagenet", error.Message, StringComparison.Ordinal);
        Assert.Contains("folder", error.Message, StringComparison.Ordinal);
    }

    private static void Names(string root, string problem)
    {
        var error = Assert.Throws<UsageException>(() => Open(root).List());

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains(root, error.Message, StringComparison.Ordinal);
    }

    private static ICatalog Open(string root) => DatasetRegistry.Open("folder", new CatalogOptions { Root = root });
}
