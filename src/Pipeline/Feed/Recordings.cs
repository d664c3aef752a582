using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// What an epoch visits: every clip, or every source with all its segments. A source of which a middle segment is missing, because it was left out or is of
/// another size, falls into stretches; no window bridges a gap, and none is made up for what is missing.
/// </summary>
internal sealed class Recordings
{
    private readonly IReadOnlyList<ClipEntry> _clips;
    private readonly int[] _segments = []; // clips by source and number; empty where every clip is by itself
    private readonly int[] _begins = []; // where each source begins among them, and where the last ends

    public Recordings(IClipSource source, SampleUnit unit)
    {
        _clips = source.Clips;
        Counts = [.. source.Members.Select(m => m.Count)];
        if (unit == SampleUnit.PerVideo)
        {
            (string Item, int? Number)[] ids = [.. _clips.Select(c => SegmentId.Split(c.Id))];
            _segments = [.. Enumerable.Range(0, _clips.Count)];
            List<int> begins = [];
            foreach ((var i, var member) in source.Members.Index())
            {
                (var first, var before) = (member.First, begins.Count);
                Array.Sort(_segments, first, member.Count, Comparer<int>.Create(
                    (a, b) => string.CompareOrdinal(ids[a].Item, ids[b].Item) is not 0 and int order ? order : Nullable.Compare(ids[a].Number, ids[b].Number)));
                begins.AddRange(Enumerable.Range(first, member.Count).Where(at => at == first || ids[_segments[at]].Item != ids[_segments[at - 1]].Item));
                Counts[i] = begins.Count - before;
            }

            _begins = [.. begins, _clips.Count];
        }
    }

    /// <summary>Recordings of each member of the source: no recording is of two.</summary>
    public int[] Counts { get; }

    public int Count => Counts.Sum();

    /// <summary>The first clip of a recording.</summary>
    public ClipEntry First(int recording) => _clips[_segments.Length == 0 ? recording : _segments[_begins[recording]]];

    /// <summary>The stretches of a recording, one unless something is missing.</summary>
    public IReadOnlyList<Stretch> Of(long recording)
    {
        if (_segments.Length == 0)
        {
            return [new Stretch(new[] { (int)recording }, _clips)];
        }

        List<Stretch> stretches = [];
        (var begin, var end) = (_begins[recording], _begins[recording + 1]);
        for (var next = begin + 1; next <= end; next++)
        {
            if (next == end || !Stretch.Continues(_clips[_segments[next - 1]], _clips[_segments[next]]))
            {
                stretches.Add(new Stretch(_segments.AsMemory(begin..next), _clips));
                begin = next;
            }
        }

        return stretches;
    }
}

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
        SegmentId.Split(clip.Id).Number + 1 == SegmentId.Split(next.Id).Number && clip.Source == next.Source
        && Math.Abs(clip.Start + clip.Duration - next.Start) < Tolerance && (clip.Width, clip.Height) == (next.Width, next.Height)
        && (clip.NumFrames == 0) == (next.NumFrames == 0) && (clip.NumSamples == 0) == (next.NumSamples == 0);
}
