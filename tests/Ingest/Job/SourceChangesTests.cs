using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class SourceChangesTests
{
    private static readonly IngestOrigin Run = new() { Dataset = "csv", Root = "/d", Modalities = "av", MaxClip = 60 };

    private readonly Dictionary<string, FileStamp> _disk = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LedgerEntry> _ledger = new(StringComparer.Ordinal);

    [Theory]
    [InlineData(10, 100.0, false)]
    [InlineData(11, 100.0, true)]
    [InlineData(11, 50.0, true)]
    [InlineData(10, 101.0, true)]
    [InlineData(10, 100.0001, false)]
    [InlineData(10, 50.0, false)]
    public void Find_SizeAndTimeOfTheFile_Decide(long bytes, double mtime, bool changed)
    {
        Settle("a", "/d/a", 10, 100);
        _disk["/d/a"] = new FileStamp(bytes, mtime);
        Assert.Equal(changed ? ["a"] : [], Find([Item("a", "/d/a")]).Changed);
    }

    [Fact]
    public void Find_AtAnotherPath_TheSizeAloneDecides()
    {
        Settle("a", "/elsewhere/a", 10, 100);
        Settle("b", "/elsewhere/b", 10, 100);
        _disk["/d/a"] = new FileStamp(10, 200);
        _disk["/d/b"] = new FileStamp(11, 100);
        Assert.Equal(["b"], Find([Item("a", "/d/a"), Item("b", "/d/b")]).Changed);
        Assert.Empty(Find([Item("a", "/d/a") with { NamesRecording = true }, Item("b", "/d/b") with { NamesRecording = true }]).Changed);
    }

    [Fact]
    public void Find_LineWithoutASize_IsNotCompared()
    {
        _ledger["a"] = new LedgerEntry { Id = "a", Source = "/d/a", State = ItemState.Committed };
        _disk["/d/a"] = new FileStamp(11, 200);
        Assert.Empty(Find([Item("a", "/d/a")]).Changed);
    }

    [Fact]
    public void Find_ReadFromAnAlternative_ComparesThatFile()
    {
        Settle("a", "/d/copy", 10, 100);
        _disk["/d/a"] = new FileStamp(5, 300);
        _disk["/d/copy"] = new FileStamp(10, 100);
        Assert.Empty(Find([Item("a", "/d/a") with { Alternatives = [Item("a", "/d/copy")] }]).Changed);
    }

    [Fact]
    public void Find_ListedWithoutAFile_IsGoneIfItsFileIs()
    {
        Settle("a", "/d/a", 10, 100);
        Settle("b", "/d/b", 10, 100);
        _disk["/d/b"] = new FileStamp(10, 100);
        Assert.Equal(["a"], Find([Item("a", "/d/a") with { IsAbsent = true }, Item("b", "/d/b") with { IsAbsent = true }]).Gone);
    }

    [Fact]
    public void Find_FailedOrRemovedItem_IsNotGone()
    {
        Settle("a", "/d/a", 10, 100, ItemState.Failed);
        Settle("b", "/d/b", 10, 100, ItemState.Removed);
        Assert.Empty(Find([]).Gone);
    }

    [Fact]
    public void Find_OriginsThatMayHaveBroughtItIn_DecideWhatIsMissed()
    {
        Settle("a", "/d/sub/a", 10, 100);
        Assert.Equal(["a"], Find([]).Gone);
        Assert.Empty(Find([], origins: []).Gone);
        Assert.Empty(Find([], origins: [Run, Run with { Root = "/d/sub" }]).Gone);
        Assert.Empty(Find([], origins: [Run, Run with { Dataset = "folder" }]).Gone);
        Assert.Empty(Find([], origins: [Run, Run with { Annotations = "/lists" }]).Gone);
        Assert.Empty(Find([], run: Run with { Root = "/d/su" }, origins: [Run with { Root = "/d/su" }]).Gone);
        Assert.Equal(["a"], Find([], origins: [Run, Run with { Root = "/other" }]).Gone);
        Assert.Equal(["a"], Find([], origins: [Run, Run with { MaxClip = 10 }]).Gone);
    }

    [Fact]
    public void Find_SplitOfTheRun_MissesNoOtherSplits()
    {
        Settle("a", "/d/a", 10, 100);
        var (train, val) = (Run with { Split = "train" }, Run with { Split = "val" });
        Assert.Equal(["a"], Find([], run: train, origins: [train]).Gone);
        Assert.Empty(Find([], run: train, origins: [train, val]).Gone);
        Assert.Equal(["a"], Find([], run: Run, origins: [train, val]).Gone);
    }

    [Fact]
    public void Find_NameSizeAndTimeOfAFileThatIsGone_IsAMoveOnce()
    {
        Settle("one/v", "/d/one/v", 10, 100);
        _disk["/d/three/v"] = _disk["/d/two/v"] = new FileStamp(10, 100);
        _disk["/d/two/w"] = new FileStamp(10, 100);
        var changes = Find([Item("three/v", "/d/three/v"), Item("two/v", "/d/two/v"), Item("two/w", "/d/two/w")]);
        Assert.Equal([new MovedSource("one/v", "three/v")], changes.Moved);
        Assert.Empty(changes.Gone);
    }

    [Theory]
    [InlineData(11, 100.0)]
    [InlineData(10, 100.5)]
    public void Find_AnotherSizeOrTime_IsNoMove(long bytes, double mtime)
    {
        Settle("one/v", "/d/one/v", 10, 100);
        _disk["/d/two/v"] = new FileStamp(bytes, mtime);
        var changes = Find([Item("two/v", "/d/two/v")]);
        Assert.Empty(changes.Moved);
        Assert.Equal(["one/v"], changes.Gone);
    }

    [Fact]
    public void Find_CopyOrStretchOrRecording_IsNoMove()
    {
        Settle("one/v", "/d/one/v", 10, 100);
        _disk["/d/one/v"] = _disk["/d/two/v"] = new FileStamp(10, 100);
        Assert.Empty(Find([Item("one/v", "/d/one/v"), Item("two/v", "/d/two/v")]).Moved);
        _disk.Remove("/d/one/v");
        Assert.Empty(Find([Item("two/v", "/d/two/v") with { Start = 1, End = 2 }]).Moved);
        Assert.Empty(Find([Item("two/v", "/d/two/v") with { NamesRecording = true }]).Moved);
    }

    [Fact]
    public void Find_SamePathUnderAnotherId_IsAMove()
    {
        Settle("old", "/d/v", 10, 100);
        _disk["/d/v"] = new FileStamp(10, 100);
        Assert.Equal([new MovedSource("old", "new")], Find([Item("new", "/d/v")]).Moved);
    }

    private static SourceItem Item(string id, string path) => new() { Id = id, Path = path };

    private void Settle(string id, string source, long bytes, double mtime, ItemState state = ItemState.Committed) =>
        _ledger[id] = new LedgerEntry { Id = id, Source = source, State = state, Bytes = bytes, Mtime = mtime };

    private SourceChanges Find(IReadOnlyList<SourceItem> items, IngestOrigin? run = null, IReadOnlyList<IngestOrigin>? origins = null) => SourceChanges.Find(
        items, _ledger, origins ?? [Run], run ?? Run, item => !_ledger.ContainsKey(item.Id), static _ => true,
        path => _disk.TryGetValue(path, out var stamp) ? stamp : null, path => !_disk.ContainsKey(path), TestContext.Current.CancellationToken);
}
