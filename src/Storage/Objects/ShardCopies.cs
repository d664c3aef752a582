using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>
/// Copies of shards on the local disk, shared by all processes of a machine. A copy is named by its SHA-256, and has that name only once its bytes
/// were found to have that hash and are synced, so that no other check is needed when it is opened. Together they stay within the bound: the
/// one unused for longest makes room, but none that any process has open (an open copy is flock'ed by .NET's <see cref="FileShare.Read"/>; removing
/// takes the exclusive lock). Files with other names are never touched, and a folder that holds other things is refused.
/// </summary>
internal sealed partial class ShardCopies
{
    private const string Marker = "xkd-shard-copies";
    private const string Gate = "space.lock";
    private const int Piece = 16 << 20;
    private const int Busy = 11; // EWOULDBLOCK
    private static readonly TimeSpan GatePause = TimeSpan.FromMilliseconds(20);

    private readonly string _folder;
    private readonly long _most;
    private readonly TimeProvider _time;

    /// <exception cref="UsageException">The folder holds other things.</exception>
    public ShardCopies(string folder, long most, TimeProvider time)
    {
        (_folder, _most, _time) = (folder, most, time);
        var marker = Path.Combine(folder, Marker);
        if (!File.Exists(marker) && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any(f => Path.GetFileName(f) != Marker))
        {
            throw new UsageException($"{folder} holds other things than copies of shards: name another folder by {ObjectStoreOptions.FolderVariable}, or empty this one");
        }

        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(marker, "Copies of shards, made by xkd and removed by it when they are in the way. The folder may be deleted while no xkd runs.\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{folder} cannot be written: {e.Message}: name another folder by {ObjectStoreOptions.FolderVariable}", e);
        }
    }

    /// <summary>Opens a copy, which then stays until the handle is closed; null when there is none.</summary>
    public SafeFileHandle? TryOpen(ShardEntry shard)
    {
        var path = At(shard);
        try
        {
            var handle = File.OpenHandle(path, options: FileOptions.RandomAccess);
            if (RandomAccess.GetLength(handle) == shard.Bytes)
            {
                File.SetLastAccessTimeUtc(path, _time.GetUtcNow().UtcDateTime);
                return handle;
            }

            handle.Dispose();
            File.Delete(path);
            return null;
        }
        catch (IOException)
        {
            // Absent, or at this moment being removed.
            return null;
        }
    }

    /// <summary>Makes a copy unless another process is at it, or there is no room.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="read">Reads its bytes from an offset on.</param>
    /// <param name="ct">Ends the work between two pieces.</param>
    /// <returns>What came of it.</returns>
    /// <exception cref="CorruptCacheException">What was read is not what was committed.</exception>
    public async Task<CopyOutcome> MakeAsync(ShardEntry shard, Func<long, Memory<byte>, int> read, CancellationToken ct)
    {
        (var file, var without) = await ReserveAsync(shard, ct);
        if (file is null)
        {
            return without;
        }

        await using (file)
        {
            try
            {
                var hash = Fill(file, shard, read, ct);
                if (hash != shard.Sha256)
                {
                    throw new CorruptCacheException(shard.Path, null, "file", $"sha256 {shard.Sha256}", hash);
                }

                file.Flush(flushToDisk: true);
                File.Move(file.Name, At(shard), overwrite: true);
                return CopyOutcome.There;
            }
            catch
            {
                File.Delete(file.Name);
                throw;
            }
        }
    }

    /// <summary>Removes a copy that turned out to be damaged since it was made. Whoever has it open keeps it.</summary>
    public void Remove(ShardEntry shard) => File.Delete(At(shard));

    private async Task<(FileStream? File, CopyOutcome Without)> ReserveAsync(ShardEntry shard, CancellationToken ct)
    {
        using var gate = await EnterAsync(ct);
        if (File.Exists(At(shard)))
        {
            return (null, CopyOutcome.There);
        }

        FileInfo[] ours = [.. new DirectoryInfo(_folder).EnumerateFiles().Where(f => CopyName().IsMatch(f.Name))];
        if (ours.Any(f => f.Name.StartsWith(shard.Sha256, StringComparison.Ordinal) && !TryRemove(f)))
        {
            return (null, CopyOutcome.OthersWork);
        }

        if (!MakeRoom([.. ours.Where(f => File.Exists(f.FullName))], shard.Bytes))
        {
            return (null, CopyOutcome.NoRoom);
        }

        // Its whole length counts from here on; the lock says that it is being filled.
        FileStream file = new(Path.Combine(_folder, $"{shard.Sha256}.{Guid.NewGuid():N}.part"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1);
        file.SetLength(shard.Bytes);
        return (file, CopyOutcome.There);
    }

    // What is half made, and by nobody any more, goes first; then what was unused for longest.
    private bool MakeRoom(FileInfo[] ours, long needed)
    {
        const long Spare = 1L << 30; // not the last of the disk's
        var used = ours.Sum(f => f.Length);
        var free = new DriveInfo(_folder).AvailableFreeSpace - Spare;
        foreach (var file in ours.OrderByDescending(f => f.Extension == ".part").ThenBy(f => f.LastAccessTimeUtc))
        {
            if (used + needed <= _most && needed <= free)
            {
                return true;
            }

            if (TryRemove(file))
            {
                used -= file.Length;
                free += file.Length;
            }
        }

        return used + needed <= _most && needed <= free;
    }

    private static bool TryRemove(FileInfo file)
    {
        try
        {
            using FileStream unused = new(file.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
            File.Delete(file.FullName);
            return true;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task<FileStream> EnterAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(_folder, Gate), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException e) when (e.HResult == Busy)
            {
                // Another process is deciding what to remove; that takes milliseconds.
                await Task.Delay(GatePause, _time, ct);
            }
        }
    }

    private static string Fill(FileStream file, ShardEntry shard, Func<long, Memory<byte>, int> read, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = System.Buffers.ArrayPool<byte>.Shared.Rent((int)Math.Min(Piece, shard.Bytes));
        try
        {
            for (long done = 0; done < shard.Bytes;)
            {
                ct.ThrowIfCancellationRequested();
                var got = read(done, piece.AsMemory(0, (int)Math.Min(piece.Length, shard.Bytes - done)));
                if (got == 0)
                {
                    throw new CorruptCacheException(shard.Path, null, "file", $"{shard.Bytes} bytes", $"{done} bytes");
                }

                hash.AppendData(piece, 0, got);
                file.Write(piece, 0, got);
                done += got;
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private string At(ShardEntry shard) => Path.Combine(_folder, shard.Sha256 + ".parquet");

    [GeneratedRegex(@"^[0-9a-f]{64}(\.parquet|\.[0-9a-f]{32}\.part)$", RegexOptions.ExplicitCapture)]
    private static partial Regex CopyName();
}
