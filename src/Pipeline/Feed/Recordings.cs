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

    public Recordings(IReadOnlyList<ClipEntry> clips, SampleUnit unit)
    {
        (_clips, Count) = (clips, clips.Count);
        if (unit == SampleUnit.PerVideo)
        {
            (string Item, int? Number)[] ids = [.. clips.Select(c => SegmentId.Split(c.Id))];
            _segments = [.. Enumerable.Range(0, clips.Count)];
            Array.Sort(_segments, (a, b) => string.CompareOrdinal(ids[a].Item, ids[b].Item) is not 0 and int order ? order : Nullable.Compare(ids[a].Number, ids[b].Number));
            _begins = [.. Enumerable.Range(0, clips.Count).Where(i => i == 0 || ids[_segments[i]].Item != ids[_segments[i - 1]].Item), clips.Count];
            Count = _begins.Length - 1;
        }
    }

    public int Count { get; }

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
