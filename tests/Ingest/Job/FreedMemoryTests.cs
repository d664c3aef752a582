using System.Runtime.InteropServices;

namespace Xkd.Ingest.Tests;

[Collection(nameof(AloneCollection))]
public sealed unsafe class FreedMemoryTests
{
    private const int Blocks = 1000;
    private const int Block = 64 << 10; // below what malloc maps by itself

    [Fact]
    public void GiveBack_BlocksFreedBelowOneInUse_AreTheSystemsAgain()
    {
        var blocks = new nint[Blocks];
        for (var i = 0; i < Blocks; i++)
        {
            blocks[i] = (nint)NativeMemory.AllocZeroed(Block);
            new Span<byte>((void*)blocks[i], Block).Fill(1);
        }

        Array.ForEach(blocks[..^1], static block => NativeMemory.Free((void*)block));
        var before = Environment.WorkingSet;
        FreedMemory.GiveBack();
        var after = Environment.WorkingSet;
        NativeMemory.Free((void*)blocks[^1]);

        Assert.True(before - after > Blocks * Block / 2, $"{before >> 20} MiB resident before, {after >> 20} MiB after");
    }
}
