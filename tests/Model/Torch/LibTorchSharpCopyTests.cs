using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Torch;

public sealed class LibTorchSharpCopyTests
{
    private static readonly string Library = new LibTorchLocator().FindBinding(AppContext.BaseDirectory);

    [Fact]
    public async Task Ensure_FromManyAtOnce_GivesOneWholeCopy()
    {
        using var cache = new TemporaryFolder();
        var cancel = TestContext.Current.CancellationToken;

        var copies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => LibTorchSharpCopy.Ensure(Library, cache.Path), cancel)));

        Assert.All(copies, copy => Assert.Equal(copies[0], copy));
        Assert.StartsWith(cache.Path, copies[0]);
        Assert.Single(Directory.GetFiles(cache.Path, "*", SearchOption.AllDirectories));
        Assert.Equal(new FileInfo(Library).Length, new FileInfo(copies[0]).Length);
    }

    [Fact]
    public void Ensure_CopyDamaged_WritesItAnew()
    {
        using var cache = new TemporaryFolder();
        var copy = LibTorchSharpCopy.Ensure(Library, cache.Path);
        var whole = File.ReadAllBytes(copy);
        File.WriteAllBytes(copy, whole[..1000]);

        Assert.Equal(copy, LibTorchSharpCopy.Ensure(Library, cache.Path));

        Assert.Equal(whole, File.ReadAllBytes(copy));
    }

    [Fact]
    public void Ensure_FolderThatCannotBeWritten_NamesTheVariable()
    {
        using var cache = new TemporaryFolder();
        var file = cache.File("in-the-way");
        File.WriteAllBytes(file, []);

        Assert.Contains("XKD_CACHE_DIR", Assert.Throws<UsageException>(() => LibTorchSharpCopy.Ensure(Library, file)).Message);
    }

    [Fact]
    public void Ensure_NotALibrary_IsRefusedByName()
    {
        using var cache = new TemporaryFolder();
        var file = cache.File("libLibTorchSharp.so");
        File.WriteAllText(file, "not a library");

        Assert.Contains(file, Assert.Throws<UsageException>(() => LibTorchSharpCopy.Ensure(file, cache.Path)).Message);
    }

    [Fact]
    public void Weaken_TheBinding_ChangesTwoBytesAtMostAndOnlyOnce()
    {
        var before = File.ReadAllBytes(Library);
        var after = (byte[])before.Clone();

        Assert.Equal(1, ElfVersionNeeds.Weaken(after, "GLIBCXX_3.4.32"));
        Assert.Equal(0, ElfVersionNeeds.Weaken((byte[])before.Clone(), "GLIBCXX_9.9.99"));

        Assert.InRange(before.Zip(after).Count(pair => pair.First != pair.Second), 1, 2);
    }

    [Fact]
    public void Weaken_DamagedTables_FailWithoutReadingOutside()
    {
        var library = File.ReadAllBytes(Library);
        var random = new Random(7);
        for (var i = 0; i < 50; i++)
        {
            // The ELF header and the section table at the end hold every offset that is followed.
            var damaged = (byte[])library.Clone();
            damaged[random.Next(2) == 0 ? random.Next(64) : damaged.Length - 1 - random.Next(2048)] ^= (byte)(1 + random.Next(255));
            try
            {
                ElfVersionNeeds.Weaken(damaged, "GLIBCXX_3.4.32");
            }
            catch (Exception e)
            {
                Assert.True(e is InvalidDataException or OverflowException, e.ToString());
            }
        }
    }
}
