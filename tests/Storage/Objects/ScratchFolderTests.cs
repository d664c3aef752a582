namespace Xkd.Storage.Tests;

public sealed class ScratchFolderTests
{
    [Fact]
    public void New_ManyAtOnce_NoneRemovesAnothers()
    {
        using TempFolder folder = new();
        Parallel.For(0, 200, _ =>
        {
            using ScratchFolder scratch = new(folder.Cache);
            File.WriteAllText(scratch.NewFile(), "mine");
            Assert.Equal(2, Directory.GetFiles(scratch.Path).Length);
        });
        Assert.Empty(Directory.GetDirectories(folder.Cache));
    }

    [Fact]
    public void New_FolderOfADeadOwner_IsRemovedAndForeignOnesAreNot()
    {
        using TempFolder folder = new();
        string dead = Path.Combine(folder.Cache, $"{Guid.NewGuid():N}"), unlocked = Path.Combine(folder.Cache, $"{Guid.NewGuid():N}"), named = Path.Combine(folder.Cache, "other");
        Array.ForEach([dead, unlocked, named], f => Directory.CreateDirectory(f));
        File.WriteAllText(Path.Combine(dead, "xkd-scratch.lock"), "");
        using ScratchFolder living = new(folder.Cache);
        using ScratchFolder next = new(folder.Cache);
        Assert.False(Directory.Exists(dead));
        Assert.All([unlocked, named, living.Path], f => Assert.True(Directory.Exists(f), f));
    }
}
