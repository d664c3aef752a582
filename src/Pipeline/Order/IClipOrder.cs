namespace Xkd.Pipeline;

/// <summary>The order in which an epoch visits the clips: a pure function of epoch and position, so that these are a run's whole data state.</summary>
public interface IClipOrder
{
    /// <summary>Number of clips.</summary>
    long Count { get; }

    /// <summary>The clip's index (in the order of ids) at a position of an epoch; each clip at one position.</summary>
    long ClipAt(int epoch, long position);
}
