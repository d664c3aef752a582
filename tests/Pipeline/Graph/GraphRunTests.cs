namespace Xkd.Pipeline.Tests;

/// <summary>Completion, fault and cancellation: however a run ends, nothing of it is left.</summary>
public sealed class GraphRunTests
{
    private const int Items = 60;
    private readonly Payload.StrongBox _alive = new();
    private readonly ByteBudget _budget = new(50);
    private int _working;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("count", 1, false)]
    [InlineData("decode", 1, false)]
    [InlineData("decode", 3, false)]
    [InlineData("decode", 3, true)]
    [InlineData("mel", 1, false)]
    [InlineData("mel", 3, true)]
    [InlineData("write", 1, false)]
    [InlineData("none", 3, false)]
    [InlineData("none", 3, true)]
    public async Task RunAsync_FaultInAnyStage_ThrowsItAndLeavesNothing(string faulty, int parallelism, bool ordered)
    {
        var run = RunAsync((stage, id) => stage == faulty && id == 17 ? throw new InvalidDataException(stage) : Task.CompletedTask, parallelism, ordered, Token);
        if (faulty == "none")
        {
            await run;
        }
        else
        {
            var error = await Assert.ThrowsAsync<InvalidDataException>(() => run);
            Assert.Equal(faulty, error.Message);
        }

        AssertNothingLeft();
    }

    [Theory]
    [InlineData("count", false)]
    [InlineData("decode", false)]
    [InlineData("decode", true)]
    [InlineData("mel", true)]
    [InlineData("write", false)]
    public async Task RunAsync_CancelledInAnyStage_ThrowsCancellationAndLeavesNothing(string stage, bool ordered)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = RunAsync(AtAsync, 2, ordered, cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        async Task AtAsync(string at, int id)
        {
            if (at == stage && id == 17)
            {
                await cancel.CancelAsync();
                cancelled.SetResult();
            }
            else if (at == "count" && id == 30)
            {
                await cancelled.Task; // else the rest could be done before the cancellation has come, which is a good end
            }
        }

        AssertNothingLeft();
    }

    [Fact]
    public async Task RunAsync_CancelledBeforeTheStart_ThrowsCancellation()
    {
        using CancellationTokenSource cancel = new();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync((_, _) => Task.CompletedTask, 2, ordered: false, cancel.Token));
        AssertNothingLeft();
    }

    [Fact]
    public async Task RunAsync_OperationCancelledByTheWorkItself_IsAFaultNotASilentEnd() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => RunAsync((at, id) => at == "decode" && id == 5 ? throw new OperationCanceledException("time limit") : Task.CompletedTask, 1, ordered: false, Token));

    [Fact]
    public async Task RunAsync_CancelledWhenAllIsDone_EndsWell()
    {
        using CancellationTokenSource cancel = new();
        PipelineGraph graph = new("test");
        await graph.RunAsync(
            graph.Source("count", Sources.Count(3)), "write", (i, _) => i == 2 ? new ValueTask(cancel.CancelAsync()) : ValueTask.CompletedTask, cancellationToken: cancel.Token);
        Assert.True(cancel.IsCancellationRequested);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task ReadAllAsync_ConsumerLeaves_LeavesNothing(int after)
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = _budget });
        var last = Build(graph, (_, _) => Task.CompletedTask, 3, ordered: false);
        await foreach (var payload in graph.ReadAllAsync(last, cancellationToken: Token))
        {
            payload.Dispose();
            if (after-- == 0)
            {
                break;
            }
        }

        AssertNothingLeft();
    }

    [Fact]
    public async Task ReadAllAsync_FaultUpstream_ReachesTheConsumer()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = _budget });
        var last = Build(graph, (at, id) => at == "mel" && id == 20 ? throw new InvalidDataException(at) : Task.CompletedTask, 2, ordered: true);
        await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var payload in graph.ReadAllAsync(last, cancellationToken: Token))
            {
                payload.Dispose();
            }
        });
        AssertNothingLeft();
    }

    [Fact]
    public async Task ReadAllAsync_ConsumerCancels_ThrowsCancellationAndLeavesNothing()
    {
        using CancellationTokenSource cancel = new();
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = _budget });
        var last = Build(graph, (_, _) => Task.CompletedTask, 2, ordered: false);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var payload in graph.ReadAllAsync(last, cancellationToken: cancel.Token))
            {
                payload.Dispose();
                await cancel.CancelAsync();
            }
        });
        AssertNothingLeft();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task RunAsync_ItemsOfManySizes_NeverExceedTheBudget(int parallelism)
    {
        await RunAsync((_, _) => Task.CompletedTask, parallelism, ordered: false, Token);
        Assert.InRange(_budget.Peak, 1, 50);
        AssertNothingLeft();
    }

    [Fact]
    public async Task RunAsync_ReserveBeforeWork_CountsPayloadInTheMakingAndReturnsTheRest()
    {
        ByteBudget budget = new(100);
        long most = 0;
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = budget });
        var decoded = graph.Stage<int, Payload>(
            "decode",
            graph.Source("count", Sources.Count(Items)),
            async (i, _) =>
            {
                var working = Interlocked.Increment(ref _working);
                InterlockedMax(ref most, working * 40L);
                await Task.Yield();
                Interlocked.Decrement(ref _working);
                return new Payload(i, 30, _alive);
            },
            new StageOptions { Parallelism = 4 },
            reserve: _ => 40);
        await graph.RunAsync(decoded, "write", (p, _) => { p.Dispose(); return ValueTask.CompletedTask; }, cancellationToken: Token);
        Assert.InRange(most, 40, 100);
        Assert.InRange(budget.Peak, 40, 100);
        Assert.Equal(0, budget.InFlight);
    }

    [Fact]
    public async Task RunAsync_LaterItemOfAnOrderedStageIsReadyFirst_DoesNotTakeTheCreditOfTheEarlier()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = _budget });
        TaskCompletionSource later = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var made = graph.Stage<int, Payload>(
            "make",
            graph.Source("count", Sources.Count(2)),
            async (i, _) =>
            {
                if (i == 0)
                {
                    await later.Task;
                    await Task.Delay(100, Token); // time for the later one to take what it must not
                }
                else
                {
                    later.SetResult();
                }

                return new Payload(i, 50, _alive);
            },
            new StageOptions { Parallelism = 2, Ordered = true });
        await AssertOrder(graph, made);
    }

    [Fact]
    public async Task RunAsync_LaterItemOfAnOrderedStageReservesFirst_DoesNotTakeTheCreditOfTheEarlier()
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = _budget });
        using ManualResetEventSlim later = new();
        var made = graph.Stage<int, Payload>(
            "make",
            graph.Source("count", Sources.Count(2)),
            (i, _) => ValueTask.FromResult(new Payload(i, 50, _alive)),
            new StageOptions { Parallelism = 2, Ordered = true },
            reserve: i =>
            {
                if (i == 1)
                {
                    later.Set();
                }
                else
                {
                    later.Wait(200, Token); // held back for as long as the later one may need to overtake
                    SpinWait.SpinUntil(() => !later.IsSet || _budget.InFlight > 0, 200);
                }

                return 50;
            });
        await AssertOrder(graph, made);
    }

    [Fact]
    public async Task RunAsync_ItemLargerThanTheBudget_PassesAlone()
    {
        ByteBudget budget = new(10);
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = budget });
        var made = graph.Stage<int, Payload>(
            "make", graph.Source("count", Sources.Count(Items)), (i, _) => ValueTask.FromResult(new Payload(i, i == 30 ? 1000 : 3, _alive)), new StageOptions { Parallelism = 3 });
        await graph.RunAsync(made, "write", (p, _) => { p.Dispose(); return ValueTask.CompletedTask; }, cancellationToken: Token);
        Assert.Equal(1000, budget.Peak);
        Assert.Equal(0, budget.InFlight);
        Assert.Equal(0, _alive.Value);
    }

    private async Task AssertOrder(PipelineGraph graph, IStage<Payload> last)
    {
        List<int> order = [];
        var run = graph.RunAsync(last, "write", (p, _) => { order.Add(p.Id); p.Dispose(); return ValueTask.CompletedTask; }, cancellationToken: Token);
        await run.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal([0, 1], order);
        AssertNothingLeft();
    }

    private async Task RunAsync(Func<string, int, Task> at, int parallelism, bool ordered, CancellationToken token)
    {
        PipelineGraph graph = new("test", new PipelineGraphOptions { ByteBudget = _budget });
        var last = Build(graph, at, parallelism, ordered);
        await graph.RunAsync(
            last,
            "write",
            async (payload, _) =>
            {
                using (payload)
                {
                    await WorkAsync("write", payload.Id, at);
                }
            },
            cancellationToken: token);
    }

    private IStage<Payload> Build(PipelineGraph graph, Func<string, int, Task> at, int parallelism, bool ordered)
    {
        StageOptions options = new() { Parallelism = parallelism, Ordered = ordered };
        var decoded = graph.Stage<int, Payload>(
            "decode",
            graph.Source("count", CountAsync(at)),
            async (i, _) =>
            {
                await WorkAsync("decode", i, at);
                return new Payload(i, 1 + (i % 20), _alive);
            },
            options);
        return graph.Stage<Payload, Payload>(
            "mel",
            decoded,
            async (payload, _) =>
            {
                await WorkAsync("mel", payload.Id, at);
                return payload;
            },
            options);
    }

    private static async IAsyncEnumerable<int> CountAsync(Func<string, int, Task> at)
    {
        for (var i = 0; i < Items; i++)
        {
            await at("count", i);
            yield return i;
        }
    }

    private async Task WorkAsync(string stage, int id, Func<string, int, Task> at)
    {
        Interlocked.Increment(ref _working);
        try
        {
            await Task.Yield();
            await at(stage, id);
        }
        finally
        {
            Interlocked.Decrement(ref _working);
        }
    }

    private void AssertNothingLeft()
    {
        Assert.Equal(0, _budget.InFlight);
        Assert.Equal(0, _alive.Value);
        Assert.Equal(0, _working);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        var seen = Interlocked.Read(ref target);
        while (value > seen && Interlocked.CompareExchange(ref target, value, seen) is long now && now != seen)
        {
            seen = now;
        }
    }
}
