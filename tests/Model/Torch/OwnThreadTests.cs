using TorchSharp;
using Xkd.Model.Torch;
using Xkd.Model.Training;

namespace Xkd.Model.Tests.Torch;

/// <summary>The thread that trainings run on, one after the other.</summary>
[Collection(nameof(AloneCollection))]
public sealed class OwnThreadTests
{
    [Fact]
    public async Task RunAsync_OneAfterTheOther_IsTheSameThreadWithTheThreadsAskedForLast()
    {
        LibTorch.Load();
        var before = torch.get_num_threads();
        try
        {
            Devices.SetThreads(1);
            var first = await OwnThread.RunAsync(() => (Environment.CurrentManagedThreadId, torch.get_num_threads()));
            Devices.SetThreads(2);
            var second = await OwnThread.RunAsync(() => (Environment.CurrentManagedThreadId, torch.get_num_threads()));
            Assert.Equal((1, 2), (first.Item2, second.Item2));
            Assert.Equal(first.CurrentManagedThreadId, second.CurrentManagedThreadId);
        }
        finally
        {
            Devices.SetThreads(before);
        }
    }

    [Fact]
    public async Task RunAsync_AtOnceOrWithin_HasAThreadEach()
    {
        var inner = await OwnThread.RunAsync(() =>
            (Environment.CurrentManagedThreadId, OwnThread.RunAsync(() => Environment.CurrentManagedThreadId).GetAwaiter().GetResult()));
        Assert.NotEqual(inner.CurrentManagedThreadId, inner.Item2);
        using Barrier both = new(2);
        var threads = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => OwnThread.RunAsync(() =>
        {
            both.SignalAndWait(TestContext.Current.CancellationToken);
            return Environment.CurrentManagedThreadId;
        })));
        Assert.Equal(2, threads.Distinct().Count());
    }

    [Fact]
    public async Task RunAsync_WhatFollowsWaitsForMore_DoesNotHoldTheThread()
    {
        using ManualResetEventSlim attached = new();
        var follows = OwnThread.RunAsync(() => attached.Wait(Timeout.Infinite, TestContext.Current.CancellationToken)).ContinueWith(
            _ => OwnThread.RunAsync(() => true).Wait(TimeSpan.FromMinutes(1)), TestContext.Current.CancellationToken, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        attached.Set();
        Assert.True(await follows, "it waits for work that its own thread was given");
    }

    [Fact]
    public async Task RunAsync_WhatItThrowsAndWhatFlows_ReachesTheOtherSide()
    {
        AsyncLocal<string> flows = new() { Value = "from the caller" };
        Assert.Equal("from the caller", await OwnThread.RunAsync(() => flows.Value));
        Assert.Same(TaskScheduler.Default, await OwnThread.RunAsync(() => TaskScheduler.Current));
        await Assert.ThrowsAsync<TimeoutException>(() => OwnThread.RunAsync(() => throw new TimeoutException()));
        await Assert.ThrowsAsync<OperationCanceledException>(() => OwnThread.RunAsync(() => throw new OperationCanceledException()));
        Assert.Equal(3, await OwnThread.RunAsync(() => 3)); // and it goes on
    }
}
