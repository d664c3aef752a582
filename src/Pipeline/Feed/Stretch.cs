using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>A clip, or segments of one source that follow each other without a gap, read as one. Times count from the first's beginning.</summary>
internal sealed class Stretch(ReadOnlyMemory<int> indices, IReadOnlyList<ClipEntry> clips)
{
    private static readonly int[] Alone = [0];
    private const double Tolerance = 1e-3; // seconds: times are sums of floating-point numbers

    public static Stretch Of(ClipEntry clip) => new(Alone, [clip]);

    /// <summary>Number of segments.</summary>
    public int Count => indices.Length;

    /// <summary>Index of the first segment in the source's clips.</summary>
    public int Index => indices.Span[0];

    public ClipEntry First => this[0];

    public int FrameBytes => First.FrameBytes;

    /// <summary>Frames of all segments.</summary>
    public int NumFrames
    {
        get
        {
            var frames = 0;
            for (var i = 0; i < Count; i++)
            {
                frames += this[i].NumFrames;
            }

            return frames;
        }
    }

    public ClipEntry this[int segment] => clips[indices.Span[segment]];

    /// <summary>Seconds from the stretch's beginning to that of a segment.</summary>
    public double SecondsTo(int segment) => this[segment].Start - First.Start;

    /// <summary>What is left of it from a segment on.</summary>
    public Stretch From(int segment) => segment == 0 ? this : new Stretch(indices[segment..], clips);

    /// <summary>Whether a clip is the next of the same source, with nothing left out between them.</summary>
    public static bool Continues(ClipEntry clip, ClipEntry next) =>
        SegmentId.Split(clip.Id).Number + 1 == SegmentId.Split(next.Id).Number && clip.Source == next.Source && Math.Abs(clip.Start + clip.Duration - next.Start) < Tolerance
        && (clip.NumFrames == 0) == (next.NumFrames == 0) && (clip.Width, clip.Height) == (next.Width, next.Height) && (clip.NumSamples == 0) == (next.NumSamples == 0);
}
