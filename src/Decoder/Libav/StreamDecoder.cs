using static Xkd.Decoder.Libav.LibavApi;

namespace Xkd.Decoder.Libav;

/// <summary>Decodes one stream on this thread.</summary>
internal sealed unsafe class StreamDecoder : IDisposable
{
    private void* _context;

    public StreamDecoder(MediaStream stream, long maxPixels)
    {
        var codec = avcodec_find_decoder(stream.CodecId);
        if (codec == null)
        {
            throw new RefusedException("there is no decoder for it");
        }

        _context = avcodec_alloc_context3(codec);
        Check(avcodec_parameters_to_context(_context, (void*)stream.Parameters));
        Check(av_opt_set_q(_context, "pkt_timebase", stream.TimeBase, 0));
        Check(av_opt_set_int(_context, "threads", 1, 0));
        Check(av_opt_set_int(_context, "max_pixels", maxPixels, 0));
        Check(avcodec_open2(_context, codec, null));
    }

    /// <summary>Which of the coming frames the decoder may leave out.</summary>
    public int Discard
    {
        get;
        set
        {
            if (field != value)
            {
                field = value;
                Check(av_opt_set_int(_context, "skip_frame", value, 0));
            }
        }
    }

    /// <summary>The context's own name of its channels, such as "stereo".</summary>
    public string ChannelLayout
    {
        get
        {
            // FFmpeg 5.0 and older have it under an older name.
            byte* value = null;
            Check(av_opt_get(_context, "ch_layout", 0, &value) >= 0 ? 0 : av_opt_get(_context, "channel_layout", 0, &value));
            var text = System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)value)!;
            av_free(value);
            return text;
        }
    }

    /// <summary>Takes the next packet; 0 says that there is none any more.</summary>
    public void Send(nint packet) => Check(avcodec_send_packet(_context, (Packet*)packet));

    /// <summary>Gives the next frame, where one is ready.</summary>
    public bool Receive(Frame* frame)
    {
        var received = avcodec_receive_frame(_context, frame);
        if (received is Again or EndOfFile)
        {
            return false;
        }

        Check(received);
        return true;
    }

    public void Dispose()
    {
        var context = _context;
        avcodec_free_context(&context);
        _context = null;
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new RefusedException("it does not decode without errors");
        }
    }
}
