using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Xkd.Model.Ranks;

namespace Xkd.Model.Tests.Ranks;

/// <summary>
/// The C interface of NCCL for ranks that are threads of this process and "device" memory that is the host's. It checks what NCCL would: that all ranks come
/// with one id, and that each calls on the device that it chose for its thread.
/// </summary>
internal sealed unsafe class StandInNccl : IDisposable
{
    private const byte IdByte = 0x5c;

    [ThreadStatic]
    private static int threadDevice;

    private static StandInNccl current = null!;

    private readonly Barrier _barrier;
    private readonly nint[] _buffers;
    private readonly ConcurrentDictionary<nint, (int Rank, int Device)> _open = new();
    private int _next;

    public StandInNccl(int size)
    {
        (_barrier, _buffers) = (new Barrier(size), new nint[size]);
        current = this;
    }

    /// <summary>Devices that communicators were opened on.</summary>
    public ConcurrentBag<int> Devices { get; } = [];

    /// <summary>Communicators not destroyed.</summary>
    public int Open => _open.Count;

    /// <summary>What opening a communicator returns.</summary>
    public int RefuseWith { get; init; }

    public static NcclLibrary Library { get; } = new()
    {
        GetVersion = &GetVersion, GetUniqueId = &GetUniqueId, InitRank = &InitRank, AllReduce = &AllReduce, Broadcast = &Broadcast, Destroy = &Destroy, ErrorText = &ErrorText,
        SetDevice = &SetDevice,
    };

    public void Dispose() => _barrier.Dispose();

    [UnmanagedCallersOnly]
    private static int GetVersion(int* version)
    {
        *version = 22105;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GetUniqueId(NcclUniqueId* id)
    {
        ((Span<byte>)(*id)).Fill(IdByte);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int InitRank(nint* communicator, int ranks, NcclUniqueId id, int rank)
    {
        if (current.RefuseWith != 0 || ranks != current._buffers.Length || ((Span<byte>)id).ContainsAnyExcept(IdByte))
        {
            return current.RefuseWith != 0 ? current.RefuseWith : 4;
        }

        *communicator = Interlocked.Increment(ref current._next);
        current._open[*communicator] = (rank, threadDevice);
        current.Devices.Add(threadDevice);
        current._barrier.SignalAndWait();
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int AllReduce(void* send, void* receive, nuint count, int type, int operation, nint communicator, nint stream)
    {
        if (operation != 0 || stream != 0 || !current._open.TryGetValue(communicator, out var own) || own.Device != threadDevice)
        {
            return 4;
        }

        var all = current.Exchange(own.Rank, (nint)send);
        double[] sums = [.. Enumerable.Range(0, (int)count).Select(i => all.Sum(buffer => Value(buffer, i, type)))];
        current._barrier.SignalAndWait();
        for (var i = 0; i < sums.Length; i++)
        {
            Set((nint)receive, i, type, sums[i]);
        }

        current._barrier.SignalAndWait();
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int Broadcast(void* send, void* receive, nuint count, int type, int root, nint communicator, nint stream)
    {
        if (type != NcclLibrary.Uint8 || stream != 0 || !current._open.TryGetValue(communicator, out var own) || own.Device != threadDevice)
        {
            return 4;
        }

        var all = current.Exchange(own.Rank, (nint)send);
        if (own.Rank != root)
        {
            new Span<byte>((void*)all[root], (int)count).CopyTo(new Span<byte>(receive, (int)count));
        }

        current._barrier.SignalAndWait();
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int Destroy(nint communicator) => current._open.TryRemove(communicator, out _) ? 0 : 4;

    [UnmanagedCallersOnly]
    private static byte* ErrorText(int code) => (byte*)Marshal.StringToCoTaskMemUTF8(code == 5 ? "invalid usage" : "invalid argument");

    [UnmanagedCallersOnly]
    private static int SetDevice(int device)
    {
        threadDevice = device;
        return 0;
    }

    private nint[] Exchange(int rank, nint buffer)
    {
        _buffers[rank] = buffer;
        _barrier.SignalAndWait();
        nint[] all = [.. _buffers];
        _barrier.SignalAndWait();
        return all;
    }

    private static double Value(nint buffer, int index, int type) => type switch
    {
        NcclLibrary.Float32 => ((float*)buffer)[index],
        NcclLibrary.Float64 => ((double*)buffer)[index],
        NcclLibrary.Bfloat16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)buffer)[index] << 16),
        _ => double.NaN,
    };

    private static void Set(nint buffer, int index, int type, double value)
    {
        switch (type)
        {
            case NcclLibrary.Float32:
                ((float*)buffer)[index] = (float)value;
                break;
            case NcclLibrary.Float64:
                ((double*)buffer)[index] = value;
                break;
            default:
                ((ushort*)buffer)[index] = (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16);
                break;
        }
    }
}
