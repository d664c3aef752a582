using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>What no file should bring about: of one item it is a failure, of all the run's end.</summary>
public sealed class IngestFaultTests : IDisposable
{
    private readonly JobFixture _fixture = new();

    private MediaMaker Media => _fixture.Media;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task RunAsync_AbsurdDuration_IsTakenForNone()
    {
        Media.Clip("media/a.mp4", seconds: 1);
        Media.Clip("media/c.mp4", seconds: 1);
        Absurd(Media.Clip("media/b.mkv", seconds: 1, extra: "-c:v mpeg4 -c:a pcm_s16le"));
        Absurd(Media.Make("-f lavfi -i testsrc2=size=64x48:rate=8:duration=1 -f lavfi -i sine=duration=1 -map 0 -map 1 -map 1 -c:v mpeg4 -c:a pcm_s16le media/probed.mkv"));
        await RunWithoutPoolAsync(_fixture.Options with { Workers = 1 }, TimeProvider.System);
        var cache = Cache.Open(_fixture.Out);

        Assert.Equal(["a.mp4", "b.mkv", "c.mp4", "probed.mkv"], cache.Clips.Select(static clip => clip.Id));
        Assert.All(cache.Clips, static clip => Assert.Equal(8, clip.NumFrames));
    }

    [Fact]
    public async Task RunAsync_UnexpectedErrorOfOneItem_IsThatItemsFailure()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 3);
        var time = new FaultyTime(static call => call == 2 ? new InvalidOperationException("made up") : null);
        var result = await RunWithoutPoolAsync(_fixture.Options with { Workers = 1, ItemTimeout = FaultyTime.Seconds }, time);
        var failed = Assert.Single((await _fixture.LedgerAsync()).Values, static entry => entry.State == ItemState.Failed);

        Assert.Equal((2, 1), (result.Committed, result.Failed));
        Assert.Equal(("decode", "corrupt", "InvalidOperationException: made up"), (failed.Stage, failed.Reason, failed.Detail));
    }

    [Fact]
    public async Task RunAsync_UnexpectedErrorOfEveryItem_EndsTheRun()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 2 * EnvironmentGuard.Limit);
        var time = new FaultyTime(static _ => new InvalidOperationException("made up"));
        var error = await Assert.ThrowsAsync<FailureException>(() => RunWithoutPoolAsync(_fixture.Options with { ItemTimeout = FaultyTime.Seconds }, time));

        Assert.Contains("InvalidOperationException: made up", error.Message, StringComparison.Ordinal);
        Assert.Contains("--retry-failed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_OutOfMemory_EndsTheRun()
    {
        _fixture.Copies(Media.Clip("a.mp4", seconds: 1), 3);
        var time = new FaultyTime(static call => call == 2 ? new InsufficientMemoryException("made up") : null);
        await Assert.ThrowsAnyAsync<OutOfMemoryException>(() => RunWithoutPoolAsync(_fixture.Options with { ItemTimeout = FaultyTime.Seconds }, time));
    }

    /// <summary>Runs with an ffmpeg of the user's choice: each source is then decoded by it.</summary>
    private Task<IngestResult> RunWithoutPoolAsync(IngestOptions options, TimeProvider time)
    {
        Directory.CreateDirectory(Media["bin"]);
        File.CreateSymbolicLink(Media["bin/ffmpeg"], Media.Tools.Ffmpeg);
        return new IngestJob(options, FfmpegTools.Locate(Media["bin"]), time).RunAsync(progress: null, TestContext.Current.CancellationToken);
    }

    /// <summary>Makes a Matroska file declare the 282,000 years that are 2472222222:13:20.</summary>
    private static void Absurd(string file)
    {
        var bytes = File.ReadAllBytes(file);
        var duration = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x44, 0x89, 0x88]) + 3;
        System.Buffers.Binary.BinaryPrimitives.WriteDoubleBigEndian(bytes.AsSpan(duration), 8.9e15);
        File.WriteAllBytes(file, bytes);
    }
}
