namespace Xkd.Ingest.Tests;

public sealed class DecodeQueueTests : IDisposable
{
    private readonly MediaMaker _media = new();

    public void Dispose() => _media.Dispose();

    [Fact]
    public async Task DecodeAsync_UnexpectedErrorOfSeveralTogether_IsTheOneItem()
    {
        var file = _media.Clip("a.mp4", seconds: 1);
        using var rest = new ManualResetEventSlim();
        var time = new FaultyTime(call =>
        {
            // The first, alone; when all have come the other three, together; then each of them.
            rest.Wait(TestContext.Current.CancellationToken);
            return call is 2 or 4 ? new InvalidOperationException("made up") : null;
        });
        var queue = new DecodeQueue(new MediaDecoder(_media.Tools, new DecodeOptions { ItemTimeout = TimeSpan.FromSeconds(FaultyTime.Seconds) }, time), processes: 1, filesEach: 8);
        var first = Decode(0);
        while (time.Calls == 0)
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        Task<DecodeOutcome>[] items = [first, .. Enumerable.Range(1, 3).Select(Decode)];
        rest.Set();
        await Task.WhenAll(items).ContinueWith(static _ => { }, TestContext.Current.CancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);

        Assert.Equal([true, true, false, true], items.Select(static item => item.IsCompletedSuccessfully));
        foreach (var item in items.Where(static item => item.IsCompletedSuccessfully))
        {
            using var media = (await item).Media;
            Assert.Equal(8, media!.NumFrames);
        }

        Task<DecodeOutcome> Decode(int i) => queue.DecodeAsync(new SourceItem { Id = $"{i}", Path = file }, together: true, TestContext.Current.CancellationToken);
    }
}
