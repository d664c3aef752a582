namespace Xkd.Pipeline.Tests;

public sealed class BlockOrderTests
{
    [Fact]
    public void ClipAt_EveryCountUpTo300_IsABijection()
    {
        for (var count = 1; count <= 300; count++)
        {
            foreach ((var block, var window) in new[] { (1, 1), (4, 3), (7, 5), (64, 2), (500, 500) })
            {
                BlockOrder order = new([.. Enumerable.Range(0, count)], 7, block, window);
                Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), Visit(order, 3).Order());
            }
        }
    }

    [Fact]
    public void ClipAt_WithinAWindow_StaysInItsBlocks()
    {
        const int clips = 1003, block = 10, window = 4;
        var order = Visit(new BlockOrder([.. Enumerable.Range(0, clips)], 1, block, window), 0);
        var shift = ShiftOf(order, block * window, block);
        for (var first = 0; first + (block * window) <= clips; first += block * window)
        {
            Assert.Equal(window, order.Skip(first).Take(block * window).Select(c => (c - shift + clips) % clips / block).Distinct().Count());
        }

        Assert.Equal(clips / block, order.Select(c => (c - shift + clips) % clips / block).Where(b => b < clips / block).Distinct().Count());
    }

    [Fact]
    public void ClipAt_AnotherEpochOrSeed_IsAnotherOrderWithOtherBlocks()
    {
        int[] clips = [.. Enumerable.Range(0, 1003)];
        var order = Visit(new BlockOrder(clips, 1, 10, 4), 0);
        Assert.Equal(order, Visit(new BlockOrder(clips, 1, 10, 4), 0));
        Assert.NotEqual(order, Visit(new BlockOrder(clips, 2, 10, 4), 0));
        var next = Visit(new BlockOrder(clips, 1, 10, 4), 1);
        Assert.NotEqual(order, next);
        Assert.NotEqual(ShiftOf(order, 40, 10), ShiftOf(next, 40, 10));
    }

    [Fact]
    public void ClipAt_ClipsInAnotherOrderInTheShards_FollowsTheShards()
    {
        int[] reversed = [.. Enumerable.Range(0, 200).Reverse()];
        var straight = Visit(new BlockOrder([.. Enumerable.Range(0, 200)], 1, 8, 3), 0);
        Assert.Equal(straight.Select(c => 199 - c), Visit(new BlockOrder(reversed, 1, 8, 3), 0));
    }

    private static long[] Visit(BlockOrder order, int epoch) => [.. Enumerable.Range(0, (int)order.Count).Select(i => order.ClipAt(epoch, i))];

    // The only shift (modulo the block) at which the first window falls into as few blocks as it has.
    private static long ShiftOf(long[] order, int window, int block)
    {
        long[] fitting = [.. Enumerable.Range(0, order.Length).Select(s => (long)s)
            .Where(shift => Enumerable.Range(0, order.Length / window).All(w =>
                order.Skip(w * window).Take(window).Select(c => (c - shift + order.Length) % order.Length / block).Distinct().Count() == window / block))];
        return Assert.Single(fitting);
    }
}
