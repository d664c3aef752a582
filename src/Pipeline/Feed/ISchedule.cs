namespace Xkd.Pipeline;

/// <summary>
/// What a feed reads at which position of which epoch: a pure function, so that whatever the number of workers, and wherever a run was interrupted, a step gets
/// the same clips, windows and values, bit for bit.
/// </summary>
internal interface ISchedule
{
    /// <summary>Names the feed in reports.</summary>
    string Name { get; }

    /// <summary>What sets the pace where the feed keeps up.</summary>
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

    public string Consumer => "the training step";

    public EpochPlan Plan => plan;

    public int Rank => rank;

    public (SampleKey Key, WindowPlan Plan) At(int epoch, long position)
    {
        SampleKey key = new(options.Seed, epoch, position);
        return (key, WindowPlan.Draw(key, recordings.Of(order.ClipAt(epoch, position)), options, windows));
    }
}

/// <summary>Windows and crops clip by clip; all epochs are alike.</summary>
internal sealed class DenseSchedule(
    EpochPlan plan, IReadOnlyList<int> clips, Recordings recordings, EvaluationOptions options, WindowReader windows) : ISchedule
{
    public string Name => "evaluation";

    public string Consumer => "the model";

    public EpochPlan Plan => plan;

    public int Rank => 0;

    public (SampleKey Key, WindowPlan Plan) At(int epoch, long position)
    {
        var index = clips[(int)(position / options.RowsPerClip)];
        var window = (int)(position / options.CropsPerWindow % options.Windows);
        var clip = recordings.Of(index);

        // A drawn window depends on the clip and its number alone: leaving clips out moves no other's. An undrawn row's position says which crop it is.
        var drawn = options.Augmentation is not null;
        var key = drawn ? new SampleKey(options.Seed, window, index) : new SampleKey(0, 0, position);
        return (key, (drawn ? WindowPlan.Draw(key, clip, options, windows) : PlanOf(clip[0], window)) with { Window = window });
    }

    /// <summary>Where window <paramref name="index"/> of <paramref name="count"/> begins in a clip.</summary>
    internal static int Start(int available, int window, int index, int count)
    {
        var room = Math.Max(0, available - window);
        return count == 1 ? room / 2 : (int)Math.Round((double)index * room / (count - 1), MidpointRounding.AwayFromZero);
    }

    private WindowPlan PlanOf(Stretch clip, int window)
    {
        var video = options.Video ? Start(clip.NumFrames, options.Frames, window, options.Windows) : 0;
        var audio = !options.Audio ? 0
            : options.Video ? windows.SampleAt(clip.First, video / options.Fps)
            : windows.Start(clip.First, Start(windows.Starts(clip.First, windows.Samples(clip), options.AudioFrames), 1, window, options.Windows));
        return new WindowPlan { Stretch = clip, Video = options.Video ? [video] : [], Audio = options.Audio ? [audio] : [] };
    }
}

/// <summary>Some clips, each several times an epoch.</summary>
internal sealed class VisitOrder(IReadOnlyList<int> clips, int visits, ulong seed) : IClipOrder
{
    private readonly GlobalOrder _order = new((long)clips.Count * visits, seed);

    public long Count => _order.Count;

    public long ClipAt(int epoch, long position) => clips[(int)(_order.ClipAt(epoch, position) / visits)];
}
