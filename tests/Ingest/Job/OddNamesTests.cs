using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>Names that mean something to ffmpeg, the shell or the cache, and several files or several items of one name: each ends as itself.</summary>
public sealed class OddNamesTests : IDisposable
{
    private readonly JobFixture _fixture = new();

    private MediaMaker Media => _fixture.Media;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task RunAsync_NamesThatMeanSomethingElsewhere_AreDecodedAsThemselves()
    {
        string[] names =
        [
            "%03d.mp4", "001.mp4", "*.mp4", "a\nb.mp4", "\u001b[31mred.mp4", "-i.mp4", "--help.mp4", "http:__x.mp4", "concat:001.mp4|002.mp4", "pipe:0", "file:001.mp4", "a b'\"$(x).mp4", @"a\b.mp4", "ü€😀.mp4",
        ];
        var clip = Media.Clip("clip.mp4", seconds: 1);
        foreach (var name in names)
        {
            Directory.CreateDirectory(Media["media/c"]);
            File.Copy(clip, Media["media/c/" + name]);
        }

        var result = await _fixture.RunAsync();

        Assert.Equal((names.Length, 0), (result.Committed, result.Failed));
        Assert.Equal(names.Select(static name => "c/" + name).Order(StringComparer.Ordinal), (await _fixture.LedgerAsync()).Keys.Order(StringComparer.Ordinal));
        Assert.Equal(names.Length, File.ReadLines(Media["cache/ledger.jsonl"]).Count());
    }

    [Fact]
    public async Task RunAsync_ManyNamesThatAreNotUtf8_FailAndTheRestIsDone()
    {
        Media.Clip("media/z/ok.mp4", seconds: 1);
        using var shell = System.Diagnostics.Process.Start("sh", ["-c", $"for i in $(seq {2 * EnvironmentGuard.Limit}); do cp \"$1/z/ok.mp4\" \"$1/$(printf 'caf\\351')$i.mp4\"; done", "sh", _fixture.Root]);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);

        var first = await _fixture.RunAsync();
        var again = await _fixture.RunAsync();

        Assert.Equal((1, 2 * EnvironmentGuard.Limit), (first.Committed, first.Failed));
        Assert.Equal((2 * EnvironmentGuard.Limit) + 1, again.Skipped);
        var entry = (await _fixture.LedgerAsync())[@"caf\xE91.mp4"];
        Assert.Equal(("catalog", "unreadable"), (entry.Stage, entry.Reason));
        Assert.Contains("is not UTF-8", entry.Detail, StringComparison.Ordinal);
        using var remove = System.Diagnostics.Process.Start("sh", ["-c", "rm \"$1\"/caf*", "sh", _fixture.Root]); // .NET cannot
        await remove.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task RunAsync_BrokenFileOfAClipThatHasAnother_TakesTheOtherAndSaysSo()
    {
        Broken("media/train/crying/abc_000010_000020.mp4");
        Media.Clip("media/train/replacement/abc_000010_000020.mp4", seconds: 1);
        Kinetics();

        var result = await _fixture.RunAsync(_fixture.Options with { Dataset = "kinetics400" });
        var again = await _fixture.RunAsync(_fixture.Options with { Dataset = "kinetics400" });

        var entry = Assert.Single((await _fixture.LedgerAsync()).Values);
        Assert.Equal((1, 0, 1), (result.Committed, result.Failed, again.Skipped));
        Assert.Equal((Media["media/train/replacement/abc_000010_000020.mp4"], 2), (entry.Source, entry.Attempts));
        var warning = Assert.Single(entry.Warnings);
        Assert.Contains($"decoded from {entry.Source}, as what goes before it failed ({Media["media/train/crying/abc_000010_000020.mp4"]}: probe/", warning, StringComparison.Ordinal);
        Assert.Equal("crying", Assert.Single(Cache.Open(_fixture.Out).Clips).Label);
    }

    [Fact]
    public async Task RunAsync_ListedFileThatHasAnotherInItsFolder_TakesTheOtherAndSkipsItNextTime()
    {
        Broken("media/audio/a.mkv");
        Media.Clip("media/audio/a.mp4", seconds: 1);
        Broken("media/audio/a.avi");
        File.WriteAllLines(Media["media/esc50.csv"], ["filename,fold,target,category", "a.wav,1,0,dog"]);
        var options = _fixture.Options with { Dataset = "esc50" };

        var result = await _fixture.RunAsync(options);
        File.Move(Media["media/audio/a.mp4"], Media["media/audio/a.webm"]); // comes last now
        var again = await _fixture.RunAsync(options with { Out = Media["again"] });
        var skipped = await _fixture.RunAsync(options with { Out = Media["again"] });

        Assert.Equal((1, 1, 1), (result.Committed, again.Committed, skipped.Skipped));
    }

    [Fact]
    public async Task RunAsync_EachFileOfAClipBroken_FailsOnceAsTheFirst()
    {
        Broken("media/crying/abc_000010_000020.mp4");
        File.WriteAllBytes(Media["media/abc_000010_000020.mp4"], []);
        Kinetics();

        var result = await _fixture.RunAsync(_fixture.Options with { Dataset = "kinetics400" });

        var entry = Assert.Single((await _fixture.LedgerAsync()).Values);
        Assert.Equal((0, 1), (result.Committed, result.Failed));
        Assert.Equal((Media["media/crying/abc_000010_000020.mp4"], "probe", "not-media"), (entry.Source, entry.Stage, entry.Reason));
        Assert.Contains("has no bytes", entry.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_IdThatASegmentOfAnotherItemHas_FailsAndTheSegmentStays()
    {
        Media.Clip("media/long.mp4", seconds: 3);
        Media.Clip("media/long.mp4#1", seconds: 1, extra: "-f mp4");
        Media.Clip("media/other.mp4#1", seconds: 1, extra: "-f mp4");
        var options = _fixture.Options with { MaxClip = 1 };

        await _fixture.RunAsync(options);

        Assert.Equal(["long.mp4#0", "long.mp4#1", "long.mp4#2", "other.mp4#1"], Cache.Open(_fixture.Out).Clips.Select(static clip => clip.Id));
        var entry = (await _fixture.LedgerAsync())["long.mp4#1"];
        Assert.Equal((ItemState.Failed, "catalog", "unreadable"), (entry.State, entry.Stage, entry.Reason));
        Assert.Contains("of the ids long.mp4#1 and long.mp4 one may be a segment's", entry.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("long.mp4", "long.mp4#1")]
    [InlineData("long.mp4#1", "long.mp4")]
    public async Task RunAsync_IdThatASegmentOfASettledItemHas_Fails(string first, string second)
    {
        Media.Clip("media/long.mp4", seconds: 3);
        Media.Clip("media/short.mp4", seconds: 1);
        var options = _fixture.Options with { Dataset = "csv", MaxClip = 1, Annotations = Media["list.csv"] };
        File.WriteAllLines(options.Annotations, ["path,id", $"{(first == "long.mp4" ? "long.mp4" : "short.mp4")},{first}"]);
        await _fixture.RunAsync(options);
        File.WriteAllLines(options.Annotations, ["path,id", $"{(second == "long.mp4" ? "long.mp4" : "short.mp4")},{second}"]);

        var result = await _fixture.RunAsync(options);

        Assert.Equal((0, 1), (result.Committed, result.Failed));
        Assert.Equal("unreadable", (await _fixture.LedgerAsync())[second].Reason);
    }

    [Theory]
    [InlineData(false, 1, 0)]
    [InlineData(true, 1, 2)]
    public async Task RunAsync_DocumentsBesideMedia_AreItemsOnlyIfStrict(bool strict, int committed, int failed)
    {
        Media.Clip("media/c/a.mp4", seconds: 1);
        File.WriteAllText(Media["media/c/a.srt"], "1\n00:00:00,000 --> 00:00:02,000\nwords\n");
        File.WriteAllText(Media["media/c/a.json"], "{}");

        var result = await _fixture.RunAsync(_fixture.Options with { Strict = strict });

        Assert.Equal((committed, failed), (result.Committed, result.Failed));
    }

    private void Broken(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Media[path])!);
        File.WriteAllText(Media[path], "no film, but words, under the name of one");
    }

    private void Kinetics() => File.WriteAllLines(Media["media/train.csv"], ["label,youtube_id,time_start,time_end,split", "crying,abc,10,20,train"]);
}
