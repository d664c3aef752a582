using System.Runtime.InteropServices;
using Xkd.Storage;

namespace Xkd.Ingest.Tests;

public sealed class IngestJobTests : IDisposable
{
    private readonly JobFixture _fixture = new();

    private MediaMaker Media => _fixture.Media;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task RunAsync_GoodAndBadFiles_EachEndsInOneState()
    {
        MixedFolder();
        var reports = new List<IngestProgress>();
        var result = await _fixture.RunAsync(_fixture.Options with { ProgressInterval = 0 }, new Collector(reports));

        Assert.Equal((2, 3, 0), (result.Committed, result.Failed, result.Skipped));
        var cache = Cache.Open(_fixture.Out);
        Assert.Equal(["one/a.mp4", "two/b.avi"], cache.Clips.Select(static clip => clip.Id));
        Assert.Equal(["one", "two"], cache.Clips.Select(static clip => clip.Label));
        Assert.Equal([16, 17], cache.Clips.Select(static clip => clip.NumFrames)); // AVI has no presentation times: its frames come one late
        Assert.All(cache.Clips, static clip => Assert.Equal((149, 112, 8.0), (clip.Width, clip.Height, clip.Fps)));
        Assert.All(cache.Clips, static clip => Assert.InRange(clip.MelFrames, 220, 232));
        Assert.InRange(cache.Manifest.Mel.Mean, -16, 2);
        var ledger = await _fixture.LedgerAsync();
        Assert.Equal(
            ["one/empty.mp4 probe empty", "two/mute.mp4 probe no-audio", "two/text.mp4 probe not-media"],
            ledger.Values.Where(static entry => entry.State == ItemState.Failed).OrderBy(static entry => entry.Id, StringComparer.Ordinal).Select(static entry => $"{entry.Id} {entry.Stage} {entry.Reason}"));
        Assert.Equal(5, reports[^1].Committed + reports[^1].Failed);
        Assert.Equal(["catalog", "decode", "mel", "write"], result.Report.Stages.Select(static stage => stage.Name));
        Assert.Equal(3, result.Report.Stages[1].Failed);
    }

    [Fact]
    public async Task RunAsync_Again_SkipsWhatIsSettled()
    {
        MixedFolder();
        var first = await _fixture.RunAsync();
        var again = await _fixture.RunAsync();

        Assert.Equal((0, 0, 5), (again.Committed, again.Failed, again.Skipped));
        Assert.Equal(first.ManifestVersion, again.ManifestVersion);
    }

    [Fact]
    public async Task RunAsync_CacheBelowTheRoot_IsNoMedia()
    {
        Media.Clip("media/one/a.mp4", seconds: 1);
        var below = _fixture.Options with { Out = Media["media/cache"] };
        await _fixture.RunAsync(below);
        var again = await _fixture.RunAsync(below);

        Assert.Equal((0, 0, 1), (again.Committed, again.Failed, again.Skipped));
    }

    [Fact]
    public async Task RunAsync_OtherRootHasAnotherFileOfTheName_IsRefusedAndNothingIsWritten()
    {
        Media.Clip("media/one/a.mp4", seconds: 1);
        var version = (await _fixture.RunAsync()).ManifestVersion;
        Media.Clip("other/one/a.mp4", seconds: 2);
        Media.Clip("other/one/b.mp4", seconds: 1);
        var error = await Assert.ThrowsAsync<UsageException>(() => _fixture.RunAsync(_fixture.Options with { Root = Media["other"] }));

        Assert.All(["one/a.mp4 ", Media["media/one/a.mp4"], Media["other/one/a.mp4"], "--out"], said => Assert.Contains(said, error.Message, StringComparison.Ordinal));
        Assert.Equal((version, 1), (Cache.Open(_fixture.Out).Manifest.Version, Cache.Open(_fixture.Out).Clips.Count));
    }

    [Fact]
    public async Task RunAsync_RootCopiedOrMoved_SkipsWhatIsSettled()
    {
        Media.Clip("media/one/a.mp4", seconds: 1);
        await _fixture.RunAsync();
        Directory.CreateDirectory(Media["copy/one"]);
        File.Copy(Media["media/one/a.mp4"], Media["copy/one/a.mp4"]);
        var copied = await _fixture.RunAsync(_fixture.Options with { Root = Media["copy"] });
        Directory.Move(_fixture.Root, Media["moved"]);
        Media.Clip("moved/one/a.mp4", seconds: 2);
        var moved = await _fixture.RunAsync(_fixture.Options with { Root = Media["moved"] });

        Assert.Equal((1, 1), (copied.Skipped, moved.Skipped));
    }

    [Fact]
    public async Task RunAsync_RetryFailed_RedoesTheFailedOnly()
    {
        MixedFolder();
        await _fixture.RunAsync();
        File.Copy(Media["media/one/a.mp4"], Media["media/one/empty.mp4"], overwrite: true);
        var again = await _fixture.RunAsync(_fixture.Options with { RetryFailed = true });

        Assert.Equal((1, 2, 2), (again.Committed, again.Failed, again.Skipped));
        var ledger = await _fixture.LedgerAsync();
        Assert.Equal((ItemState.Committed, 2), (ledger["one/empty.mp4"].State, ledger["one/empty.mp4"].Attempts));
    }

    [Fact]
    public async Task RunAsync_JpegAndPcm_AreCached()
    {
        Media.Clip("media/a.mp4");
        await _fixture.RunAsync(_fixture.Options with { Frames = "jpeg", Audio = "pcm" });
        var cache = Cache.Open(_fixture.Out);
        var clip = Assert.Single(cache.Clips);
        var frame = new byte[clip.Width * clip.Height * 3];
        using var reader = new ClipReader(cache);
        reader.ReadFrames(clip, 15, 1, frame);

        Assert.Contains(frame, static value => value > 100);
    }

    [Fact]
    public async Task RunAsync_Pcm_KeepsSamplesInsteadOfASpectrogramAndTheSameStatistics()
    {
        Media.Clip("media/a.mp4");
        await _fixture.RunAsync();
        var mel = Cache.Open(_fixture.Out);
        await _fixture.RunAsync(_fixture.Options with { Out = Media["pcm"], Audio = "pcm" });
        var pcm = Cache.Open(Media["pcm"]);
        var clip = Assert.Single(pcm.Clips);

        Assert.Equal((0, 16000), (clip.MelFrames, clip.AudioRate));
        Assert.Equal(1 + (clip.NumSamples / 143), Assert.Single(mel.Clips).MelFrames);
        Assert.Equal(mel.Manifest.Mel, pcm.Manifest.Mel);
    }

    [Fact]
    public async Task RunAsync_OtherPreparation_IsRefused()
    {
        Media.Clip("media/a.mp4");
        await _fixture.RunAsync();
        var error = await Assert.ThrowsAnyAsync<UsageException>(() => _fixture.RunAsync(_fixture.Options with { ShortSide = 64 }));

        Assert.Contains("short_side", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_Partitions_TogetherDoEachItemOnce()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 8);
        var first = await _fixture.RunAsync(_fixture.Options with { Partition = 1, Partitions = 2 });
        var second = await _fixture.RunAsync(_fixture.Options with { Partition = 2, Partitions = 2 });

        Assert.Equal(8, first.Committed + second.Committed);
        Assert.InRange(first.Committed, 1, 7);
        Assert.Equal(8, Cache.Open(_fixture.Out).Clips.Count);
    }

    [Fact]
    public async Task RunAsync_Cancelled_CommitsWhatIsCompleteAndResumes()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 12);
        using var cancellation = new CancellationTokenSource();
        var stopped = await _fixture.RunAsync(
            _fixture.Options with { ProgressInterval = 0, Workers = 1 }, new Trigger(report => report.Committed == 3, cancellation.Cancel), cancellation.Token);

        Assert.True(stopped.Stopped);
        Assert.InRange(stopped.Committed, 3, 11);
        Assert.Equal(stopped.Committed, Cache.Open(_fixture.Out).Clips.Count);
        var rest = await _fixture.RunAsync();
        Assert.Equal((12 - stopped.Committed, stopped.Committed), (rest.Committed, rest.Skipped));
        Assert.Equal(12, Cache.Open(_fixture.Out).Clips.Count);
    }

    [Fact]
    public async Task RunAsync_FfmpegGoneInTheMiddle_StopsWithOneErrorAndKeepsWhatIsDone()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 6);
        Directory.CreateDirectory(Media["bin"]);
        File.CreateSymbolicLink(Media["bin/ffmpeg"], Media.Tools.Ffmpeg);
        var tools = FfmpegTools.Locate(Media["bin"]);
        var job = new IngestJob(_fixture.Options with { ProgressInterval = 0, Workers = 1 }, tools, TimeProvider.System);
        var error = await Assert.ThrowsAsync<FailureException>(() => job.RunAsync(
            new Trigger(static report => report.Committed == 2, () => File.Delete(Media["bin/ffmpeg"])), TestContext.Current.CancellationToken));

        Assert.Contains("does not start", error.Message, StringComparison.Ordinal);
        Assert.InRange(Cache.Open(_fixture.Out).Clips.Count, 2, 5);
        Assert.DoesNotContain(await _fixture.LedgerAsync(), static entry => entry.Value.State == ItemState.Failed);
    }

    [Fact]
    public void New_ImpossibleOptions_NamesThemAll()
    {
        var error = Assert.Throws<UsageException>(() => new IngestJob(
            _fixture.Options with { Frames = "png", Fps = 0, Partition = 3, Partitions = 2 }, Media.Tools, TimeProvider.System));

        Assert.Contains("--frames png", error.Message, StringComparison.Ordinal);
        Assert.Contains("--fps 0", error.Message, StringComparison.Ordinal);
        Assert.Contains("--partition 3/2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_WithAndWithoutLibraries_GivesTheSame()
    {
        MixedFolder();
        Media.Clip("media/one/c.mkv", size: "90x160", extra: "-c:v mpeg4 -c:a flac");
        Media.Clip("media/one/d.mp4", seconds: 4);
        Media.Cut(Media["media/one/d.mp4"], "media/one/cut.mp4", 0.7);
        Media.Flip(Media["media/one/d.mp4"], "media/one/flipped.mp4", 60);
        Media.Clip("media/one/sound.mp4", extra: "-vn -c:a aac");
        Media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -f lavfi -i testsrc2=size=320x180:rate=12:duration=2 -f lavfi -i sine=duration=2 -map 0 -map 1 -map 2 -c:v mpeg4 -c:a aac media/two/several.mkv");
        var with = await _fixture.RunAsync(_fixture.Options);
        var without = await new IngestJob(_fixture.Options with { Out = Media["without"] }, FfmpegTools.Locate(Media.Tools.Ffmpeg), TimeProvider.System)
            .RunAsync(progress: null, TestContext.Current.CancellationToken);

        await Libraries.RequireAsync(Media.Tools);
        Assert.InRange(with.DecodedByLibraries, 1, with.Committed + with.Failed - 1);
        Assert.Equal(0, without.DecodedByLibraries);
        var content = await ContentAsync(_fixture.Out);
        Assert.Contains("one/flipped.mp4", string.Join(' ', content), StringComparison.Ordinal);
        Assert.Equal(content, await ContentAsync(Media["without"]));
    }

    [Theory]
    [InlineData("catalog")]
    [InlineData("decode")]
    [InlineData("mel")]
    [InlineData("write")]
    public async Task RunAsync_OneStageSlowed_IsNamedAsTheBottleneck(string stage)
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 0.5, size: "64x48"), 20);
        var delays = new Dictionary<string, TimeSpan>(StringComparer.Ordinal) { [stage] = TimeSpan.FromMilliseconds(100) };
        var result = await _fixture.RunAsync(_fixture.Options with { StageDelays = delays });

        Assert.Equal(stage, result.Report.Bottleneck);
        Assert.StartsWith(stage + " is the bottleneck", result.Report.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_DatasetGoneInTheMiddle_StopsWithOneErrorAndResumes()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 40);
        var error = await Assert.ThrowsAsync<FailureException>(() => _fixture.RunAsync(
            _fixture.Options with { ProgressInterval = 0 }, new Trigger(static report => report.Committed == 2, () => Directory.Move(_fixture.Root, Media["away"]))));

        Assert.Contains($"{_fixture.Root} is gone", error.Message, StringComparison.Ordinal);
        Directory.Move(Media["away"], _fixture.Root);
        var rest = await _fixture.RunAsync();
        Assert.Equal((40, 0), (rest.Committed + rest.Skipped, rest.Failed));
        Assert.Equal(40, Cache.Open(_fixture.Out).Clips.Count);
    }

    [Fact]
    public async Task RunAsync_EveryFileALinkToNothing_IsRefusedAndNothingIsWritten()
    {
        Links(2); // what the files of an unmounted volume look like

        var error = await Assert.ThrowsAsync<UsageException>(() => _fixture.RunAsync());

        Assert.Contains($"{Media["media/l000.mp4"]} is a link to {Media["volume/film.mp4"]}, which does not exist; mount", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_fixture.Out));
    }

    [Fact]
    public async Task RunAsync_ManyLinksToNothingInARow_FailByThemselves()
    {
        Links(3 * EnvironmentGuard.Limit);
        Media.Clip("media/z.mp4", seconds: 1);

        var result = await _fixture.RunAsync();

        Assert.Equal((1, 3 * EnvironmentGuard.Limit), (result.Committed, result.Failed));
        Assert.All((await _fixture.LedgerAsync()).Values, static entry => Assert.True(entry.State == ItemState.Committed || (entry.Stage, entry.Reason) == ("catalog", "absent")));
    }

    [Fact]
    public async Task RunAsync_EverythingGoneSinceItWasListed_StopsWithTheCause()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 3 * EnvironmentGuard.Limit);
        var error = await Assert.ThrowsAsync<FailureException>(() => _fixture.RunAsync(_fixture.Options, new Trigger(static _ => true, Empty)));

        Assert.Contains("absent", error.Message, StringComparison.Ordinal);
        Assert.Contains("--retry-failed", error.Message, StringComparison.Ordinal);

        void Empty() => Directory.GetDirectories(_fixture.Root).ToList().ForEach(static folder => Directory.Delete(folder, recursive: true));
    }

    [Fact]
    public async Task RunAsync_CancelledBeforeTheListing_DoesNothing()
    {
        Media.Clip("media/a.mp4", seconds: 1);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _fixture.RunAsync(cancellation: new CancellationToken(canceled: true)));

        Assert.False(Directory.Exists(_fixture.Out));
    }

    [Fact]
    public void Folder_LinkToAFolderAbove_IsWalkedOnce()
    {
        Media.Clip("media/one/a.mp4", seconds: 1);
        Directory.CreateSymbolicLink(Media["media/one/up"], _fixture.Root);
        var items = new FolderCatalog(new CatalogOptions { Root = _fixture.Root }).List(TestContext.Current.CancellationToken).Items;

        Assert.Equal(["one/a.mp4"], items.Select(static item => item.Id));
    }

    private void Links(int count)
    {
        Directory.CreateDirectory(_fixture.Root);
        for (var i = 0; i < count; i++)
        {
            File.CreateSymbolicLink(Media[$"media/l{i:D3}.mp4"], Media["volume/film.mp4"]);
        }
    }

    /// <summary>Everything a cache says and holds, by item: ledger lines, and each clip's bytes.</summary>
    private static async Task<List<string>> ContentAsync(string folder)
    {
        var cache = Cache.Open(folder);
        using var reader = new ClipReader(cache);
        await using var writer = await CacheWriter.OpenAsync(
            folder, cache.Manifest.Fingerprint, new CacheWriterOptions { Part = "look" }, TimeProvider.System, TestContext.Current.CancellationToken);
        var lines = writer.Ledger.Values.Select(static entry => $"{entry.Id} {entry.State} {entry.Stage} {entry.Reason} {string.Join(';', entry.Warnings.Select(Count))}").ToList();
        foreach (var clip in cache.Clips)
        {
            var frames = new byte[clip.NumFrames * clip.FrameBytes];
            var mel = new Half[clip.MelFrames * cache.Manifest.Fingerprint.Mels];
            reader.ReadFrames(clip, 0, clip.NumFrames, frames);
            reader.ReadMel(clip, mel);
            lines.Add($"{clip.Id} {clip.NumFrames}x{clip.Width}x{clip.Height} {Hash(frames)} {clip.MelFrames} {Hash(MemoryMarshal.AsBytes(mel.AsSpan()))}");
        }

        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes));

    // Which of a file's errors come first is up to the threads of newer versions of ffmpeg.
    private static string Count(string warning) => warning.Split(" errors:")[0];

    private void MixedFolder()
    {
        Media.Clip("media/one/a.mp4");
        Media.Clip("media/two/b.avi", extra: "-c:v mpeg4 -c:a libmp3lame");
        Media.Make("-f lavfi -i testsrc2=size=160x120:rate=12:duration=2 -c:v mpeg4 media/two/mute.mp4");
        File.WriteAllText(Media["media/two/text.mp4"], "no film");
        File.WriteAllBytes(Media["media/one/empty.mp4"], []);
        File.WriteAllText(Media["media/.hidden"], "not listed");
    }

    private sealed class Collector(List<IngestProgress> reports) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => reports.Add(value);
    }

    private sealed class Trigger(Func<IngestProgress, bool> when, Action then) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value)
        {
            if (when(value))
            {
                then();
            }
        }
    }
}
