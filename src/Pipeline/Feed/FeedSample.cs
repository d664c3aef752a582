using System.Collections.Concurrent;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>One sample on its way into one slot of a batch.</summary>
internal sealed class FeedSample(BatchAssembly assembly, int slot, SampleKey key, WindowPlan plan, RawWindows.Pool pool) : IPayload, ICreditCarrier, IOutcome
{
    private RawWindows? _raw;

    public BatchAssembly Assembly => assembly;

    public int Slot => slot;

    public SampleKey Key => key;

    /// <summary>The clip that its global window begins in.</summary>
    public ClipEntry Clip => plan.Stretch.First;

    /// <summary>Where its windows begin, and in what.</summary>
    public WindowPlan Plan => plan;

    /// <summary>What was drawn for its views and is still to be done; null before it is read, and without augmentation.</summary>
    public ClipAugmentation? Drawn { get; set; }

    public RawWindows Raw => _raw ??= pool.Rent();

    /// <summary>What its row was found to be damaged by.</summary>
    public CorruptCacheException? Damage { get; set; }

    public bool Failed => Damage is not null;

    /// <summary>
    /// The whole batch's bytes stand on its first sample: a batch admitted in parts could wait for credit that its own other parts hold.
    /// </summary>
    public long Bytes => slot == 0 ? assembly.Bytes : 0;

    bool ICreditCarrier.Carries => slot != 0 || assembly.Carries;

    void ICreditCarrier.Carry(ByteCredit credit) => assembly.Carry(credit);

    /// <summary>Its windows' memory goes to other samples.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _raw, null) is { } raw)
        {
            pool.Return(raw);
        }
    }
}

/// <summary>One sample's windows as read: memory that grows to the largest sample seen and is used again.</summary>
internal sealed class RawWindows
{
    private byte[] _frames = [];
    private Half[] _mel = [];

    public Span<byte> Frames(int bytes) => Grown(ref _frames, bytes);

    public Span<Half> Mel(int values) => Grown(ref _mel, values);

    private static Span<T> Grown<T>(ref T[] memory, int count)
    {
        memory = memory.Length < count ? GC.AllocateUninitializedArray<T>(count) : memory;
        return memory.AsSpan(0, count);
    }

    /// <summary>As many as were ever in use at once, which the graph's queues bound; what was returned last is in the processor's cache yet.</summary>
    internal sealed class Pool
    {
        private readonly ConcurrentStack<RawWindows> _free = [];

        public RawWindows Rent() => _free.TryPop(out var windows) ? windows : new RawWindows();

        public void Return(RawWindows windows) => _free.Push(windows);
    }
}
