using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class SettledSourceTests : IDisposable
{
    private readonly DatasetFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RequireSame_FailedItem_IsToldOfARetry()
    {
        Assert.Contains("--retry-failed", Refused(ItemState.Failed), StringComparison.Ordinal);
        Assert.DoesNotContain("--retry-failed", Refused(ItemState.Committed), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("long", "long", false)]
    [InlineData("short", "other", false)]
    [InlineData("gone", "long", false)]
    [InlineData("short", "gone", false)]
    [InlineData("link", "short", false)]
    [InlineData("dangling", "long", false)]
    [InlineData("", "long", false)]
    [InlineData("short", "long", true)]
    public void RequireSame_SameOrNoOtherFile_Passes(string settled, string item, bool namesRecording)
    {
        Files();
        SettledSource.RequireSame(Item(item) with { NamesRecording = namesRecording }, Entry(settled), "cache");
    }

    [Theory]
    [InlineData("kinetics400", "v_000001_000011.mp4", "label,youtube_id,time_start,time_end,split", "a,v,1,11,train")]
    [InlineData("csv", "v.mp4", "path", "v.mp4")]
    public void Catalog_IdOfARecording_SaysSo(string dataset, string file, params string[] list)
    {
        _folder.Media(file).Text("list.csv", list);

        Assert.Equal(dataset == "kinetics400", Assert.Single(_folder.List(dataset).Items).NamesRecording);
    }

    private string Refused(ItemState state)
    {
        Files();
        return Assert.Throws<UsageException>(() => SettledSource.RequireSame(Item("long"), Entry("short") with { State = state }, "cache")).Message;
    }

    private void Files()
    {
        _folder.Raw("short", "1").Raw("other", "2").Raw("long", "12");
        File.Delete(_folder["link"]);
        File.Delete(_folder["dangling"]);
        File.CreateSymbolicLink(_folder["link"], _folder["short"]);
        File.CreateSymbolicLink(_folder["dangling"], _folder["gone"]);
    }

    private SourceItem Item(string name) => new() { Id = "a", Path = _folder[name] };

    private LedgerEntry Entry(string name) => new() { Id = "a", Source = name.Length > 0 ? _folder[name] : "", State = ItemState.Committed };
}
