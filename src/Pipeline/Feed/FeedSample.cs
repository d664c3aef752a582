using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>One sample on its way into one slot of a batch.</summary>
internal sealed class FeedSample(BatchAssembly assembly, int slot, SampleKey key, WindowPlan plan, long windowBytes, RawWindows.Pool pool) : IPayload, ICreditCarrier, IOutcome
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

    /// <summary>The windows have been made into views: their memory goes to other samples, their bytes back to the budget.</summary>
    public void ReleaseWindows()
    {
        Dispose();
        assembly.ReturnWindows(windowBytes);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _raw, null) is { } raw)
        {
            pool.Return(raw);
        }
    }
}
