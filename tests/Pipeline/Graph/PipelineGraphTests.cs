using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class PipelineGraphTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task RunAsync_EveryItem_ReachesTheSinkOnce(int parallelism)
    {
        List<int> seen = [];
        PipelineGraph graph = new("test");
        var doubled = graph.Stage<int, int>(
            "double", graph.Source("count", Sources.Count(200)), (i, _) => ValueTask.FromResult(i * 2), new StageOptions { Parallelism = parallelism });
        await graph.RunAsync(doubled, "write", (i, _) => { seen.Add(i); return ValueTask.CompletedTask; }, cancellationToken: Token);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i * 2), seen.Order());
        Assert.Equal([200L, 200, 200], graph.Report().Stages.Select(s => s.Count));
    }

    [Fact]
    public async Task Stage_Ordered_KeepsTheOrderWhateverTheWorkTakes()
    {
        // Even items wait for the odd one after them: without turns each pair would come out swapped.
        TaskCompletionSource[] gates = [.. Enumerable.Range(0, 51).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        foreach (var ordered in new[] { true, false })
        {
            gates = [.. gates.Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
            PipelineGraph graph = new("test");
            var stage = graph.Stage<int, int>(
                "work",
                graph.Source("count", Sources.Count(50)),
                async (i, _) =>
                {
                    gates[i].SetResult();
                    await (i % 2 == 0 ? gates[i + 1].Task : Task.CompletedTask);
                    await (i % 2 == 0 ? Task.Delay(5, Token) : Task.CompletedTask);
                    return i;
                },
                new StageOptions { Parallelism = 2, Ordered = ordered });
            List<int> seen = [];
            await foreach (var i in graph.ReadAllAsync(stage, cancellationToken: Token))
            {
                seen.Add(i);
            }

            Assert.Equal(50, seen.Count);
            Assert.Equal(ordered, seen.SequenceEqual(Enumerable.Range(0, 50)));
        }
    }

    [Fact]
    public async Task Expand_ManyAndNone_AllComeOut()
    {
        PipelineGraph graph = new("test");
        var expanded = graph.Expand("cut", graph.Source("count", Sources.Count(10)), (i, _) => Sources.Count(i % 3));
        List<int> seen = [];
        await graph.RunAsync(expanded, "write", (i, _) => { seen.Add(i); return ValueTask.CompletedTask; }, cancellationToken: Token);
        Assert.Equal(Enumerable.Range(0, 10).Sum(i => i % 3), seen.Count);
        Assert.Equal(10, graph.Report().Stages[1].Count);
    }

    [Fact]
    public async Task Stage_ThrowingItemWithAHandler_BecomesAnOutcomeAndIsCounted()
    {
        PipelineGraph graph = new("test");
        var stage = graph.Stage<int, string>(
            "work",
            graph.Source("count", Sources.Count(10)),
            (i, _) => i % 5 == 0 ? throw new InvalidDataException($"item {i}") : ValueTask.FromResult("fine"),
            onFailure: (i, error) => error.Message);
        List<string> seen = [];
        await graph.RunAsync(stage, "write", (s, _) => { seen.Add(s); return ValueTask.CompletedTask; }, cancellationToken: Token);
        Assert.Equal(["item 0", "item 5"], seen.Where(s => s != "fine"));
        Assert.Equal(10, seen.Count);
        Assert.Equal(2, graph.Report().Stages[1].Failed);
    }

    [Fact]
    public async Task Stage_FailedOutcome_IsCounted()
    {
        PipelineGraph graph = new("test");
        var stage = graph.Stage<int, Outcome>("work", graph.Source("count", Sources.Count(9)), (i, _) => ValueTask.FromResult(new Outcome(i % 3 == 0)));
        var passed = graph.Stage<Outcome, Outcome>("pass", stage, (o, _) => ValueTask.FromResult(o));
        await graph.RunAsync(passed, "write", (_, _) => ValueTask.CompletedTask, cancellationToken: Token);
        Assert.Equal([0L, 3, 0, 0], graph.Report().Stages.Select(s => s.Failed)); // where it failed, and nowhere else
    }

    [Fact]
    public async Task ReadAllAsync_StalledConsumer_StopsTheSource()
    {
        var produced = 0;
        PipelineGraph graph = new("test");
        var stage = graph.Stage<int, int>("work", graph.Source("count", Sources.Count(10_000, i => produced = i + 1)), (i, _) => ValueTask.FromResult(i));
        var reader = graph.ReadAllAsync(stage, new StageOptions { QueueCapacity = 3 }, Token).GetAsyncEnumerator(Token);
        Assert.True(await reader.MoveNextAsync());
        var last = -1;
        while (last != produced)
        {
            last = produced;
            await Task.Delay(50, Token);
        }

        Assert.InRange(produced, 1, 10); // one read, three in the handoff, one in work, two queued, and those on their way
        await reader.DisposeAsync();
    }

    [Fact]
    public void Stage_NameTaken_IsRefused()
    {
        PipelineGraph graph = new("test");
        var source = graph.Source("count", Sources.Count(1));
        Assert.Throws<InvalidOperationException>(() => graph.Stage<int, int>("count", source, (i, _) => ValueTask.FromResult(i)));
    }

    [Fact]
    public async Task RunAsync_UnknownStageDelay_NamesTheStages()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { StageDelays = new Dictionary<string, TimeSpan>(StringComparer.Ordinal) { ["dekode"] = TimeSpan.Zero } });
        var source = graph.Source("count", Sources.Count(1));
        var error = await Assert.ThrowsAsync<UsageException>(() => graph.RunAsync(source, "write", (_, _) => ValueTask.CompletedTask, cancellationToken: Token));
        Assert.Contains("count, write", error.Message, StringComparison.Ordinal);
    }

    private sealed record Outcome(bool Failed) : IOutcome;
}
