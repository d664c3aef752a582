namespace Xkd.Pipeline;

/// <summary>The stage that enumerates the items.</summary>
internal sealed class SourceNode<T>(StageMeter meter, IAsyncEnumerable<T> items) : OutputNode<T>(index: 0, meter)
{
    // Off the caller's thread: an enumerable that never awaits would otherwise run the whole graph inside the first call.
    public override Task StartAsync(GraphRun run) => Task.Run(() => EnumerateAsync(run), CancellationToken.None);

    private async Task EnumerateAsync(GraphRun run)
    {
        try
        {
            await using var enumerator = items.GetAsyncEnumerator(run.Stopping);
            while (await NextAsync(run, enumerator))
            {
                await PutAsync(run, enumerator.Current, credit: null, Task.CompletedTask);
            }
        }
        catch (Exception exception)
        {
            run.Fail(exception);
        }
        finally
        {
            Meter.Close();
            CompleteNext();
        }
    }

    private async ValueTask<bool> NextAsync(GraphRun run, IAsyncEnumerator<T> enumerator)
    {
        run.Stopping.ThrowIfCancellationRequested();
        var work = Meter.Begin();
        var any = false;
        try
        {
            await run.DelayAsync(Name);
            return any = await enumerator.MoveNextAsync();
        }
        finally
        {
            Meter.End(work, counted: any);
        }
    }
}
