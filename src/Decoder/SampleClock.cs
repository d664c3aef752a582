using Xkd.Decoder.Libav;
using static Xkd.Decoder.Libav.LibavApi;

namespace Xkd.Decoder;

/// <summary>
/// Brings the times of decoded sound from a coarse clock to the clock of its samples, without jitter and anew after a gap: as the ffmpeg program
/// does, which has told gaps by packets, and tells them by frames since FFmpeg 6.1.
/// </summary>
/// <param name="timeBase">The stream's clock.</param>
/// <param name="rate">Samples a second.</param>
/// <param name="byFrames">Gaps are told by frames.</param>
internal sealed unsafe class SampleClock(Rational timeBase, int rate, bool byFrames)
{
    private readonly Rational _samples = new(1, rate);

    // The finer of both clocks, where it counts in whole samples.
    private readonly Rational _fine = timeBase.Numerator == 1 && timeBase.Denominator > rate && timeBase.Denominator % rate == 0 ? timeBase : new(1, rate);
    private long _last = NoTime;
    private long _packet = NoTime;
    private long _expected = NoTime;
    private long _before = NoTime;

    /// <summary>The frame's time in samples.</summary>
    /// <param name="frame">A frame with its stream's time.</param>
    /// <param name="packet">The packet that brought it; null after the last.</param>
    public long Of(Frame* frame, Packet* packet)
    {
        if (frame->Pts < _before)
        {
            throw new RefusedException("the sound goes back in time");
        }

        _before = frame->Pts;
        return byFrames ? ByFrames(frame) : ByPackets(frame, packet);
    }

    private long ByPackets(Frame* frame, Packet* packet)
    {
        if (packet != null)
        {
            _last = packet->Duration > 0 && _packet != NoTime && packet->Pts - _packet > packet->Duration ? NoTime : _last;
            _packet = packet->Pts;
        }

        return Rescale(frame, _samples);
    }

    private long ByFrames(Frame* frame)
    {
        if (_expected != NoTime && frame->Pts > av_rescale_q_rnd(_expected, _fine, timeBase, RoundUp))
        {
            _last = NoTime;
        }

        var time = Rescale(frame, _fine);
        _expected = time + av_rescale_q(frame->Samples, _samples, _fine);
        return av_rescale_q(time, _fine, _samples);
    }

    private long Rescale(Frame* frame, Rational clock)
    {
        fixed (long* last = &_last)
        {
            return av_rescale_delta(timeBase, frame->Pts, clock, frame->Samples, last, clock);
        }
    }
}
