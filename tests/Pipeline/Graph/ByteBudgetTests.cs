namespace Xkd.Pipeline.Tests;

public sealed class ByteBudgetTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AcquireAsync_BeyondTheCapacity_WaitsForARelease()
    {
        ByteBudget budget = new(100);
        await budget.AcquireAsync(80, Token);
        var second = budget.AcquireAsync(30, Token).AsTask();
        Assert.False(second.IsCompleted);
        budget.Release(10);
        await second;
        Assert.Equal(100, budget.InFlight);
        Assert.Equal(100, budget.Peak);
    }

    [Fact]
    public async Task AcquireAsync_LargerThanTheBudget_PassesAlone()
    {
        ByteBudget budget = new(100);
        await budget.AcquireAsync(1, Token);
        var large = budget.AcquireAsync(500, Token).AsTask();
        Assert.False(large.IsCompleted);
        budget.Release(1);
        await large;
        var small = budget.AcquireAsync(1, Token).AsTask();
        Assert.False(small.IsCompleted);
        budget.Release(500);
        await small;
        Assert.Equal(1, budget.InFlight);
    }

    [Fact]
    public async Task AcquireAsync_SmallAfterLarge_DoesNotOvertake()
    {
        ByteBudget budget = new(100);
        await budget.AcquireAsync(60, Token);
        var large = budget.AcquireAsync(90, Token).AsTask();
        var small = budget.AcquireAsync(10, Token).AsTask();
        Assert.False(small.IsCompleted);
        budget.Release(60);
        await Task.WhenAll(large, small);
        Assert.Equal(100, budget.InFlight);
    }

    [Fact]
    public async Task AcquireAsync_CancelledWhileWaiting_TakesNothingAndLetsTheNextPass()
    {
        ByteBudget budget = new(100);
        await budget.AcquireAsync(60, Token);
        using CancellationTokenSource cancel = new();
        var large = budget.AcquireAsync(90, cancel.Token).AsTask();
        var small = budget.AcquireAsync(40, Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        await small;
        budget.Release(100);
        Assert.Equal(0, budget.InFlight);
    }

    [Fact]
    public void Release_MoreThanHeld_IsRefused() => Assert.Throws<InvalidOperationException>(() => new ByteBudget(10).Release(1));

    [Fact]
    public async Task Credit_ReturnedInPartsAndDisposedTwice_ReturnsOnce()
    {
        ByteBudget budget = new(100);
        await budget.AcquireAsync(50, Token);
        ByteCredit credit = new(budget, 50);
        credit.Return(20);
        Assert.Equal(30, budget.InFlight);
        credit.Dispose();
        credit.Dispose();
        credit.Return(5);
        Assert.Equal(0, budget.InFlight);
    }
}
