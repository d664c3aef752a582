using System.Collections.Concurrent;

namespace Xkd.Pipeline;

/// <summary>One sample's windows as read: memory that grows to the largest sample seen and is used again.</summary>
internal sealed class RawWindows
{
    private byte[] _frames = [];
    private Half[] _mel = [];

    public Span<byte> Frames(int bytes)
    {
        if (_frames.Length < bytes)
        {
            _frames = GC.AllocateUninitializedArray<byte>(bytes);
        }

        return _frames.AsSpan(0, bytes);
    }

    public Span<Half> Mel(int values)
    {
        if (_mel.Length < values)
        {
            _mel = GC.AllocateUninitializedArray<Half>(values);
        }

        return _mel.AsSpan(0, values);
    }

    /// <summary>As many as were ever in use at once, which the graph's queues bound; what was returned last is in the processor's cache yet.</summary>
    internal sealed class Pool
    {
        private readonly ConcurrentStack<RawWindows> _free = [];

        public RawWindows Rent() => _free.TryPop(out var windows) ? windows : new RawWindows();

        public void Return(RawWindows windows) => _free.Push(windows);
    }
}
