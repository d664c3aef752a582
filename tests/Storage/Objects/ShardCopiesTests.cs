using System.Security.Cryptography;

namespace Xkd.Storage.Tests;

/// <summary>The bounded disk cache.</summary>
public sealed class ShardCopiesTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new() { EachLook = TimeSpan.FromSeconds(1) };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Folder => Path.Combine(_folder.Path, "shards");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Make_Shard_IsOpenedWithItsBytes()
    {
        var copies = Open(1000);
        (var shard, var bytes) = Shard(1, 300);
        Assert.Null(copies.TryOpen(shard));
        Assert.Equal(CopyOutcome.There, await copies.MakeAsync(shard, From(bytes), Ct));
        using var handle = copies.TryOpen(shard)!;
        var read = new byte[300];
        Assert.Equal(300, RandomAccess.Read(handle, read, 0));
        Assert.Equal(bytes, read);
        Assert.Equal(CopyOutcome.There, await copies.MakeAsync(shard, (_, _) => throw new InvalidOperationException("read again"), Ct));
    }

    [Fact]
    public async Task Make_BeyondTheBound_RemovesWhatWasUnusedForLongest()
    {
        var copies = Open(1000);
        (ShardEntry Entry, byte[] Bytes)[] shards = [.. Enumerable.Range(0, 4).Select(i => Shard(i, 300))];
        foreach ((var entry, var bytes) in shards[..3])
        {
            await copies.MakeAsync(entry, From(bytes), Ct);
            copies.TryOpen(entry)!.Dispose();
        }

        copies.TryOpen(shards[0].Entry)!.Dispose();
        Assert.Equal(CopyOutcome.There, await copies.MakeAsync(shards[3].Entry, From(shards[3].Bytes), Ct));
        Assert.Equal([true, false, true, true], shards.Select(s => IsThere(copies, s.Entry)));
        Assert.InRange(Bytes(), 1, 1000);
    }

    [Fact]
    public async Task Make_AllInUse_FindsNoRoomAndRemovesNone()
    {
        var copies = Open(700);
        (ShardEntry Entry, byte[] Bytes)[] shards = [.. Enumerable.Range(0, 3).Select(i => Shard(i, 300))];
        await copies.MakeAsync(shards[0].Entry, From(shards[0].Bytes), Ct);
        await copies.MakeAsync(shards[1].Entry, From(shards[1].Bytes), Ct);
        using (copies.TryOpen(shards[0].Entry))
        using (copies.TryOpen(shards[1].Entry))
        {
            Assert.Equal(CopyOutcome.NoRoom, await copies.MakeAsync(shards[2].Entry, From(shards[2].Bytes), Ct));
        }

        Assert.Equal(CopyOutcome.There, await copies.MakeAsync(shards[2].Entry, From(shards[2].Bytes), Ct));
        Assert.Equal(CopyOutcome.NoRoom, await copies.MakeAsync(Shard(9, 701).Entry, From([]), Ct));
    }

    [Fact]
    public async Task Make_WrongBytes_IsRefusedAndLeavesNothing()
    {
        var copies = Open(1000);
        (var shard, var bytes) = Shard(1, 300);
        bytes[7] ^= 1;
        Assert.Equal("sha256 " + shard.Sha256, (await Assert.ThrowsAsync<CorruptCacheException>(() => copies.MakeAsync(shard, From(bytes), Ct))).Expected);
        await Assert.ThrowsAsync<CorruptCacheException>(() => copies.MakeAsync(shard, From(bytes[..100]), Ct));
        Assert.Null(copies.TryOpen(shard));
        Assert.Equal(0, Bytes());
    }

    [Fact]
    public async Task Make_FolderWithAHalfMadeCopyOfADeadProcess_RemovesItForRoom()
    {
        var copies = Open(500);
        (var shard, var bytes) = Shard(1, 300);
        string half = Path.Combine(Folder, $"{Shard(2, 300).Entry.Sha256}.{Guid.NewGuid():N}.part"), same = Path.Combine(Folder, $"{shard.Sha256}.{Guid.NewGuid():N}.part");
        await File.WriteAllBytesAsync(half, new byte[300], Ct);
        await File.WriteAllBytesAsync(same, new byte[300], Ct);
        Assert.Equal(CopyOutcome.There, await copies.MakeAsync(shard, From(bytes), Ct));
        Assert.False(File.Exists(half));
        Assert.False(File.Exists(same));
    }

    [Fact]
    public async Task Make_AnotherIsAtIt_IsLeftToThatOne()
    {
        ShardCopies one = Open(1000), two = Open(1000);
        (var shard, var bytes) = Shard(1, 300);
        CopyOutcome? second = null;
        Assert.Equal(CopyOutcome.There, await one.MakeAsync(
            shard,
            (offset, piece) =>
            {
                second = two.MakeAsync(shard, From(bytes), Ct).GetAwaiter().GetResult();
                return From(bytes)(offset, piece);
            },
            Ct));
        Assert.Equal(CopyOutcome.OthersWork, second);
    }

    [Fact]
    public async Task Make_ManyAtOnce_StaysWithinTheBound()
    {
        (ShardEntry Entry, byte[] Bytes)[] shards = [.. Enumerable.Range(0, 20).Select(i => Shard(i, 300))];
        ShardCopies[] processes = [.. Enumerable.Range(0, 4).Select(_ => new ShardCopies(Folder, 2000, TimeProvider.System))];
        await Parallel.ForEachAsync(shards.Concat(shards.Reverse()).Select((s, i) => (s, i)), Ct, async (work, ct) =>
        {
            await processes[work.i % 4].MakeAsync(work.s.Entry, From(work.s.Bytes), ct);
        });
        Assert.InRange(Bytes(), 1, 2000); // while files get their names, a listing may count one twice
        var last = Open(2000);
        foreach ((var entry, var bytes) in shards)
        {
            using var handle = last.TryOpen(entry);
            var read = new byte[300];
            Assert.True(handle is null || (RandomAccess.Read(handle, read, 0) == 300 && bytes.AsSpan().SequenceEqual(read)));
        }
    }

    [Fact]
    public async Task Open_FolderThatHoldsOtherThings_IsRefusedAndUntouched()
    {
        Directory.CreateDirectory(Folder);
        var theirs = Path.Combine(Folder, $"{new string('a', 64)}.parquet");
        await File.WriteAllTextAsync(theirs, "somebody's", Ct);
        Assert.Contains("holds other things", Assert.Throws<UsageException>(() => Open(10)).Message, StringComparison.Ordinal);
        Assert.Equal([theirs], Directory.GetFileSystemEntries(Folder));
    }

    [Fact]
    public async Task Make_FilesOfOtherNames_AreNeverRemoved()
    {
        var copies = Open(400);
        string[] theirs = [Path.Combine(Folder, "notes.txt"), Path.Combine(Folder, "a.parquet"), Path.Combine(Folder, $"{new string('g', 64)}.parquet")];
        Array.ForEach(theirs, f => File.WriteAllBytes(f, new byte[1000]));
        for (var i = 0; i < 4; i++)
        {
            (var shard, var bytes) = Shard(i, 300);
            Assert.Equal(CopyOutcome.There, await copies.MakeAsync(shard, From(bytes), Ct));
        }

        Assert.All(theirs, f => Assert.True(File.Exists(f), f));
    }

    private static (ShardEntry Entry, byte[] Bytes) Shard(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return (new ShardEntry { Path = $"shards/main-{seed:D6}.parquet", Rows = 1, Bytes = length, Sha256 = hash }, bytes);
    }

    private static Func<long, Memory<byte>, int> From(byte[] bytes) => (offset, piece) =>
    {
        var count = Math.Min(piece.Length, bytes.Length - (int)offset);
        bytes.AsMemory((int)offset, count).CopyTo(piece);
        return count;
    };

    private ShardCopies Open(long most) => new(Folder, most, _time);

    private static bool IsThere(ShardCopies copies, ShardEntry shard)
    {
        using var handle = copies.TryOpen(shard);
        return handle is not null;
    }

    private long Bytes() => Directory.EnumerateFiles(Folder).Where(f => f.Length > Folder.Length + 60).Sum(f => new FileInfo(f) is { Exists: true } file ? file.Length : 0);
}
