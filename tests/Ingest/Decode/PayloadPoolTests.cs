using System.Runtime.CompilerServices;

namespace Xkd.Ingest.Tests;

public sealed class PayloadPoolTests
{
    private readonly PayloadPool<byte> _pool = new(1);

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(8 << 20)]
    public void Rent_AfterReturn_IsTheSameArray(int bytes)
    {
        var first = _pool.Rent(bytes);
        _pool.Return(first);

        Assert.Same(first, _pool.Rent(bytes));
    }

    [Theory]
    [InlineData((8 << 20) + 1, 1, false)] // too large
    [InlineData(1 << 20, 3, false)] // more than it keeps of this size and of the next, which it takes instead
    [InlineData(1 << 20, 1, true)]
    public void Return_WhatItDoesNotKeep_IsTheCollectors(int bytes, int arrays, bool cleared)
    {
        var last = RentAndReturn(bytes, arrays);
        if (cleared)
        {
            _pool.Clear();
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
        Assert.False(last.IsAlive);
        Assert.True(_pool.Rent(bytes).Length >= bytes);
    }

    // By itself, so that no local of the caller's holds an array.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference RentAndReturn(int bytes, int arrays)
    {
        byte[][] rented = [.. Enumerable.Range(0, arrays).Select(_ => _pool.Rent(bytes))];
        Array.ForEach(rented, array => _pool.Return(array));
        return new WeakReference(rented[^1]);
    }
}
