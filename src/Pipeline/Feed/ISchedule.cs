namespace Xkd.Pipeline;

/// <summary>
/// What a feed reads at which position of which epoch: a pure function, so that whatever the number of workers, and wherever a run was interrupted, a step gets
/// the same clips, windows and values, bit for bit.
/// </summary>
internal interface ISchedule
{
    /// <summary>Names the feed in reports.</summary>
    string Name { get; }

    /// <summary>Who takes the batches.</summary>
    string Consumer { get; }

    /// <summary>Steps, epochs and positions.</summary>
    EpochPlan Plan { get; }

    /// <summary>Ranks take consecutive slices of each global batch; this is the process's.</summary>
    int Rank { get; }

    /// <summary>A sample's key and where its windows begin.</summary>
    (SampleKey Key, WindowPlan Plan) At(int epoch, long position);
}

/// <summary>Windows that begin anywhere in the recordings, in an order of each epoch's own.</summary>
internal sealed class ShuffledSchedule(
    string name, EpochPlan plan, int rank, IClipOrder order, Recordings recordings, ViewOptions options, WindowReader windows) : ISchedule
{
    public string Name => name;

    public string Consumer => "training step";

    public EpochPlan Plan => plan;

    public int Rank => rank;

    public (SampleKey Key, WindowPlan Plan) At(int epoch, long position)
    {
        SampleKey key = new(options.Seed, epoch, position);
        return (key, WindowPlan.Draw(key, recordings.Of(order.ClipAt(epoch, position)), options, windows));
    }
}

/// <summary>Windows and crops clip by clip; all epochs are alike.</summary>
internal sealed class DenseSchedule : ISchedule
{
    private readonly IReadOnlyList<int> _clips;
    private readonly int[] _counts; // windows of each clip
    private readonly long[] _begins; // the row that each clip begins at
    private readonly Recordings _recordings;
    private readonly EvaluationOptions _options;
    private readonly WindowReader _windows;

    public DenseSchedule(IReadOnlyList<int> clips, int[] counts, Recordings recordings, EvaluationOptions options, WindowReader windows)
    {
        (_clips, _counts, _recordings, _options, _windows) = (clips, counts, recordings, options, windows);
        _begins = new long[counts.Length];
        long rows = 0;
        foreach (var (clip, count) in counts.Index())
        {
            _begins[clip] = rows;
            rows += (long)count * options.CropsPerWindow;
        }

        Plan = EpochPlan.Whole(rows, options.BatchSize);
    }

    public string Name => "evaluation";

    public string Consumer => "model";

    public EpochPlan Plan { get; }

    public int Rank => 0;

    public (SampleKey Key, WindowPlan Plan) At(int epoch, long position)
    {
        var place = Array.BinarySearch(_begins, position);
        place = place >= 0 ? place : ~place - 1; // every clip has a row, so no two begin at the same
        var (index, window) = (_clips[place], (int)((position - _begins[place]) / _options.CropsPerWindow));
        var clip = _recordings.Of(index);

        // A drawn window depends on the clip and its number alone: leaving clips out moves no other's. An undrawn row's position says which crop it is.
        var drawn = _options.Augmentation is not null;
        var key = drawn ? new SampleKey(_options.Seed, window, index) : new SampleKey(0, 0, position);
        return (key, (drawn ? WindowPlan.Draw(key, clip, _options, _windows) : PlanOf(clip[0], window, _counts[place])) with { Window = window });
    }

    /// <summary>Where window <paramref name="index"/> of <paramref name="count"/> begins in a clip.</summary>
    internal static int Start(int available, int window, int index, int count)
    {
        var room = Math.Max(0, available - window);
        return count == 1 ? room / 2 : (int)Math.Round((double)index * room / (count - 1), MidpointRounding.AwayFromZero);
    }

    private WindowPlan PlanOf(Stretch clip, int window, int count)
    {
        var video = _options.Video ? Start(clip.NumFrames, _options.Frames, window, count) : 0;
        var audio = !_options.Audio ? 0
            : _options.Video ? _windows.SampleAt(clip.First, video / _options.Fps)
            : _windows.Start(clip.First, Start(_windows.Starts(clip.First, _windows.Samples(clip), _options.AudioFrames), 1, window, count));
        return new WindowPlan { Stretch = clip, Video = _options.Video ? [video] : [], Audio = _options.Audio ? [audio] : [] };
    }
}

/// <summary>Some clips, each several times an epoch.</summary>
internal sealed class VisitOrder(IReadOnlyList<int> clips, int visits, ulong seed) : IClipOrder
{
    private readonly GlobalOrder _order = new((long)clips.Count * visits, seed);

    public long Count => _order.Count;

    public long ClipAt(int epoch, long position) => clips[(int)(_order.ClipAt(epoch, position) / visits)];
}
