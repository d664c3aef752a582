using Xkd.Decoder.Libav;

namespace Xkd.Decoder;

/// <summary>
/// Which frames of a stream are seen when it is brought to another rate: of those that round to one output time or before, the last, and the
/// first of all, which leads a stream that begins late (the rule of ffmpeg's fps filter). The others need no conversion, and those that no other frame refers to need no decoding: a third of a
/// usual H.264 stream at 25 frames a second, of which 8 are seen.
/// </summary>
internal sealed class FrameSelection
{
    private readonly long[] _times;
    private readonly bool[] _seen;

    /// <param name="times">Presentation times of every frame, in any order.</param>
    /// <param name="slot">The output frame a time rounds to.</param>
    public FrameSelection(IEnumerable<long> times, Func<long, long> slot)
    {
        _times = [.. times.Order()];
        _seen = new bool[_times.Length];
        for (var i = 0; i < _times.Length; i++)
        {
            if (i > 0 && _times[i] == _times[i - 1])
            {
                throw new RefusedException("two frames have one time");
            }

            _seen[i] = i == 0 || i == _times.Length - 1 || slot(_times[i + 1]) > slot(_times[i]);
        }
    }

    /// <summary>The last frame's time.</summary>
    public long Last => _times.Length > 0 ? _times[^1] : throw new RefusedException("there are no frames");

    /// <summary>Whether the frame of that time is seen; a time of no frame is not known, and refused.</summary>
    public bool IsSeen(long time) =>
        Array.BinarySearch(_times, time) is var index and >= 0 ? _seen[index] : throw new RefusedException("a frame has a time of its own");
}
