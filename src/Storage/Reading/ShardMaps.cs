using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>
/// Shards as memory, for payload that lies in the page cache: copied from there it costs what any copy does, where a positioned read takes
/// a third longer and drags the destination through the processor's cache. Thread-safe.
/// </summary>
/// <remarks>
/// Memory whose file has become shorter, or whose disk fails, kills the process that touches it (SIGBUS). Therefore only what the kernel says is
/// in the page cache at this moment is given out; everything else is for the caller to read, and to name what is wrong with it. What remains
/// is a shard cut short, in place, during the fraction of a millisecond in which a window is copied: committed shards are never written to, and a
/// run that dies of this names the row when it is resumed. Network file systems, where others may do such things, are not mapped, nor files
/// that this process may not write, of which the kernel does not say what is in memory.
/// Pages count as the process's memory while they are present. All are let go of whenever the bytes given out reach a limit, in one call for all
/// shards, as each such call makes every core forget its translations: that is what the one range of addresses is for.
/// </remarks>
internal sealed partial class ShardMaps : IDisposable
{
    /// <summary>Longest piece given out at once, bytes.</summary>
    public const int Longest = 4 << 20;

    private const int Page = 4096; // where the system has others, nothing is mapped
    private const int ProtectNone = 0, ProtectRead = 1;
    private const int Shared = 1, Private = 2, Fixed = 0x10, Anonymous = 0x20, NoReserve = 0x4000;
    private const int DontNeed = 4; // MADV_DONTNEED
    private const int Writable = 2; // W_OK
    private const int Unseen = 0, Mapped = 1, Refused = 2;

    private readonly Lock _gate = new();
    private readonly Func<string, string> _at;
    private readonly IReadOnlyList<ShardEntry> _shards;
    private readonly long[] _starts;
    private readonly int[] _states;
    private readonly nint _base;
    private readonly nuint _bytes;
    private readonly long _resident;
    private long _given;

    private ShardMaps(Manifest manifest, Func<string, string> at, long[] starts, nint address, long bytes, long resident)
    {
        (_at, _shards, _starts, _states) = (at, manifest.Shards, starts, new int[starts.Length]);
        (_base, _bytes, _resident) = (address, (nuint)bytes, bytes <= resident ? long.MaxValue : resident);
    }

    /// <summary>Nothing is mapped before it is asked for; null where nothing can be.</summary>
    /// <param name="manifest">The version of the cache.</param>
    /// <param name="at">Where a path of the cache lies.</param>
    /// <param name="resident">Bytes that may be present at once. A cache that fits stays present.</param>
    public static ShardMaps? Of(Manifest manifest, Func<string, string> at, long resident)
    {
        var shards = manifest.Shards;
        if (resident < Longest || shards.Count == 0 || !OperatingSystem.IsLinux() || Environment.SystemPageSize != Page
            || new DriveInfo(Path.GetDirectoryName(at(shards[0].Path))!).DriveType is not (DriveType.Fixed or DriveType.Ram))
        {
            return null;
        }

        var starts = new long[shards.Count];
        long end = 0;
        for (var shard = 0; shard < starts.Length; shard++)
        {
            starts[shard] = end;
            end += Up(shards[shard].Bytes);
        }

        var address = Map(0, (nuint)end, ProtectNone, Private | Anonymous | NoReserve, -1, 0);
        return address == -1 ? null : new ShardMaps(manifest, at, starts, address, end, resident);
    }

    /// <summary>Bytes of a shard, valid until the reader is disposed; empty where they must be read instead.</summary>
    /// <param name="shard">Index of the shard.</param>
    /// <param name="handle">Its file.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes, at most <see cref="Longest"/>.</param>
    public ReadOnlySpan<byte> TryGet(int shard, SafeFileHandle handle, long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Longest);
        if (length == 0 || offset < 0 || offset > _shards[shard].Bytes - length || !IsMapped(shard, handle))
        {
            return [];
        }

        // Before these pages become present, so that they are not among those let go of.
        if (Interlocked.Add(ref _given, length) > _resident && Interlocked.Exchange(ref _given, length) > _resident)
        {
            _ = Advise(_base, _bytes, DontNeed);
        }

        long begin = offset - (offset % Page), pages = (Up(offset + length) - begin) / Page;
        var address = _base + (nint)(_starts[shard] + begin);
        Span<byte> present = stackalloc byte[(Longest / Page) + 1];
        present = present[..(int)pages];
        if (InCore(address, (nuint)(pages * Page), present) != 0 || present.ContainsAnyExcept((byte)1))
        {
            return [];
        }

        unsafe
        {
            return new ReadOnlySpan<byte>((byte*)address + (offset - begin), length);
        }
    }

    public void Dispose() => _ = Unmap(_base, _bytes);

    private bool IsMapped(int shard, SafeFileHandle handle)
    {
        if (Volatile.Read(ref _states[shard]) == Unseen)
        {
            lock (_gate)
            {
                if (_states[shard] == Unseen)
                {
                    var place = _base + (nint)_starts[shard];
                    var mapped = MayWrite(_at(_shards[shard].Path), Writable) == 0 && Map(place, (nuint)_shards[shard].Bytes, ProtectRead, Shared | Fixed, handle, 0) == place;
                    Volatile.Write(ref _states[shard], mapped ? Mapped : Refused);
                }
            }
        }

        return Volatile.Read(ref _states[shard]) == Mapped;
    }

    private static long Up(long bytes) => (bytes + Page - 1) / Page * Page;

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MayWrite(string path, int mode);

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static partial int InCore(nint address, nuint length, Span<byte> present);
}
