using System.Runtime.InteropServices;
using static Xkd.Decoder.Libav.LibavApi;

namespace Xkd.Decoder.Libav;

/// <summary>
/// An open source with all of its packets: its streams are decoded one after the other, each with the caches to itself, and which frames
/// are needed is known before the first is decoded.
/// </summary>
internal sealed unsafe class MediaFile : IDisposable
{
    /// <summary>Larger sources are refused: their packets are all held.</summary>
    private const long MostBytes = 256 << 20;

    /// <summary>Seconds from one packet of a stream to the next.</summary>
    private const double MostGap = 5;

    private const int One = 1 << 16;
    private const int StreamCount = 44;
    private const int Streams = 48;

    private readonly LibavVersion _version;
    private readonly List<nint> _packets = [];
    private readonly long _start;
    private void* _context;

    public MediaFile(string path, LibavVersion version)
    {
        _version = version;
        void* context = null, options = null;
        Check(av_dict_set(&options, "protocol_whitelist", MediaFormats.Protocols, 0), "its protocols cannot be limited");
        Check(av_dict_set(&options, "format_whitelist", MediaFormats.Demuxers, 0), "its formats cannot be limited");
        var opened = avformat_open_input(&context, path, null, &options);
        av_dict_free(&options);
        Check(opened, "it cannot be opened");
        _context = context;
        Check(avformat_find_stream_info(context, null), "its streams cannot be told");
        _start = *(long*)((byte*)_context + _version.FormatStartTime); // as known now: reading on may change it
    }

    /// <summary>Seconds the container declares; NaN where it declares none.</summary>
    public double Seconds
    {
        get
        {
            var duration = *(long*)((byte*)_context + _version.FormatDuration);

            // Matroska's duration is the time of its end, whenever it begins.
            var begins = FormatName.Contains("matroska", StringComparison.Ordinal) && _start > 0 ? _start : 0;
            return duration > 0 ? (double)(duration - begins) / MicrosecondsPerSecond : double.NaN;
        }
    }

    // The first field of AVInputFormat, which is the second of AVFormatContext.
    private string FormatName => Marshal.PtrToStringUTF8(**(nint**)((byte*)_context + sizeof(nint))) ?? string.Empty;

    /// <summary>The only stream of that kind that is no attached picture, if there is one; several are the ffmpeg program's to choose from.</summary>
    public MediaStream Only(int kind)
    {
        // The fourth and fifth field of AVFormatContext in every generation: nb_streams, after a pointer and an int, and streams.
        var (count, found) = (*(uint*)((byte*)_context + StreamCount), default(MediaStream));
        var streams = *(byte***)((byte*)_context + Streams);
        for (var i = 0; i < count; i++)
        {
            var parameters = *(int**)(streams[i] + _version.StreamParameters);
            if (parameters[0] != kind || (*(int*)(streams[i] + _version.StreamDisposition) & DispositionAttachedPicture) != 0)
            {
                continue;
            }

            if (found.IsThere)
            {
                throw new RefusedException("there are streams to choose from");
            }

            var turn = TurnOf(DisplayMatrix(streams[i], (byte*)parameters));
            found = new MediaStream(i, parameters[1], *(Rational*)(streams[i] + _version.StreamTimeBase), (nint)parameters, turn);
        }

        return found;
    }

    private int* DisplayMatrix(byte* stream, byte* parameters)
    {
        if (_version.ParametersSideData == 0)
        {
            return (int*)av_stream_get_side_data(stream, SideDataDisplayMatrix, null);
        }

        var sideData = parameters + _version.ParametersSideData;
        var found = av_packet_side_data_get(*(void**)sideData, *(int*)(sideData + sizeof(nint)), SideDataDisplayMatrix);
        return found == null ? null : *(int**)found; // its first field
    }

    // Of the matrix [a b u, c d v, x y w] in 16.16 fixed point. Quarter turns alone: what else it may do is the ffmpeg program's.
    private static Turn TurnOf(int* matrix) => matrix == null ? Turn.None : (matrix[0], matrix[1], matrix[3], matrix[4]) switch
    {
        (One, 0, 0, One) => Turn.None,
        (0, One, -One, 0) => Turn.Right,
        (-One, 0, 0, -One) => Turn.Around,
        (0, -One, One, 0) => Turn.Left,
        _ => throw new RefusedException("the picture is turned by an odd angle, or mirrored"),
    };

    /// <summary>Reads every packet. Times then count from the source's start, as the ffmpeg program has it.</summary>
    public void ReadPackets(params ReadOnlySpan<MediaStream> streams)
    {
        var bytes = 0L;
        Span<long> before = stackalloc long[streams.Length];
        before.Fill(NoTime);
        while (true)
        {
            var packet = av_packet_alloc();
            _packets.Add((nint)packet);
            var read = av_read_frame(_context, packet);
            if (read == EndOfFile)
            {
                return;
            }

            Check(read, "it cannot be read to its end");
            bytes += packet->Size;
            if (bytes > MostBytes)
            {
                throw new RefusedException("it is large");
            }

            for (var i = 0; i < streams.Length; i++)
            {
                if (packet->Stream == streams[i].Index)
                {
                    Shift(packet, streams[i].TimeBase);
                    CheckClock(packet->Pts, ref before[i], streams[i].TimeBase);
                }
            }
        }
    }

    /// <summary>Packets of a stream, in the order of decoding.</summary>
    public IEnumerable<nint> Packets(int stream)
    {
        foreach (var packet in _packets)
        {
            if (StreamOf(packet) == stream)
            {
                yield return packet;
            }
        }
    }

    public void Dispose()
    {
        foreach (var pointer in _packets)
        {
            var packet = (Packet*)pointer;
            av_packet_free(&packet);
        }

        _packets.Clear();
        if (_context != null)
        {
            var context = _context;
            avformat_close_input(&context);
            _context = null;
        }
    }

    private static int StreamOf(nint packet) => ((Packet*)packet)->Size > 0 ? ((Packet*)packet)->Stream : -1;

    private void Shift(Packet* packet, Rational timeBase)
    {
        if (packet->Pts == NoTime || (packet->Flags & PacketCorrupt) != 0)
        {
            throw new RefusedException("a packet has no time, or is damaged");
        }

        packet->Pts += _start == NoTime ? 0 : av_rescale_q(-_start, new Rational(1, MicrosecondsPerSecond), timeBase);
    }

    // In containers whose clocks may jump the ffmpeg program joins what lies on both sides; what is a jump, and what a gap, is its to decide.
    private static void CheckClock(long time, ref long before, Rational timeBase)
    {
        if (before != NoTime && Math.Abs((double)(time - before)) * timeBase.Numerator / timeBase.Denominator > MostGap)
        {
            throw new RefusedException("its clock jumps");
        }

        before = time;
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new RefusedException(what);
        }
    }
}
