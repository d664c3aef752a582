using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Xkd.Decoder.Libav;
using static Xkd.Decoder.Libav.LibavApi;

namespace Xkd.Decoder;

/// <summary>
/// Decodes one source in this process into the bytes that the ffmpeg program would give, for the sources that leave no doubt: at most one stream
/// of each kind, of a codec that tells of damage, every packet timed, and not one error. It is the same libav; what it saves is a process for each source, threads
/// and switches between them, and decoding frames that nobody sees.
/// </summary>
internal sealed unsafe partial class SourceDecoder(DecoderSettings settings, LibavVersion version, MessageWriter output)
{
    // Their decoders say what is damaged, or make the same of it each time. What those of VP8 and HEVC make of damage in silence depends on what
    // their buffers held before.
    private static readonly string[] Codecs = [H264, "mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "vp9", "av1"];
    private const string H264 = "h264";
    private static readonly Rational Microseconds = new(1, MicrosecondsPerSecond);
    private static int _errors;

    /// <summary>Counts what libav complains about; a source it complains about is refused.</summary>
    public static void WatchErrors() => av_log_set_callback(&Logged);

    /// <exception cref="RefusedException">The source is for the ffmpeg program.</exception>
    public DecoderEnd Decode(string path)
    {
        _errors = 0;
        using var file = new MediaFile(path, version);
        var video = settings.Video ? file.Only(MediaVideo) : default;
        var audio = settings.Audio ? file.Only(MediaAudio) : default;
        if (!video.IsThere && !audio.IsThere)
        {
            throw new RefusedException("there is nothing to decode");
        }

        if (video.IsThere && !Codecs.Contains(Name(video)))
        {
            throw new RefusedException($"the picture is {Name(video)}");
        }

        file.ReadPackets([.. new[] { video, audio }.Where(static stream => stream.IsThere)]);
        NoErrors();
        var (width, height) = video.IsThere ? DecodeVideo(file, video) : (0, 0);
        if (audio.IsThere)
        {
            DecodeAudio(file, audio);
        }

        return new DecoderEnd(width, height, file.Seconds);
    }

    private (int Width, int Height) DecodeVideo(MediaFile file, MediaStream stream)
    {
        var fpsBase = FpsBase();
        var packets = file.Packets(stream.Index).ToList();
        var selection = new FrameSelection(
            packets.Where(static packet => !IsDiscarded(packet)).Select(static packet => At(packet)->Pts),
            time => av_rescale_q_rnd(time, stream.TimeBase, fpsBase, RoundUp | RoundPassLimits));
        using var decoder = new StreamDecoder(stream, settings.MaxPixels);
        using var frame = new FrameHolder();
        using var made = new FrameHolder();
        FilterChain? chain = null;
        var (all, before) = (Name(stream) != H264, NoTime);
        var (source, size) = ((Width: 0, Height: 0, Format: 0), (Width: 0, Height: 0));
        try
        {
            foreach (var packet in packets.Append(0))
            {
                if (packet != 0)
                {
                    decoder.Discard = all || IsDiscarded(packet) || selection.IsSeen(At(packet)->Pts) ? DiscardDefault : DiscardNonReference;
                }

                decoder.Send(packet);
                while (decoder.Receive(frame.Pointer))
                {
                    CheckOrder(frame.Pointer, ref before);
                    if (!selection.IsSeen(frame.Pointer->Pts))
                    {
                        av_frame_unref(frame.Pointer);
                        continue;
                    }

                    var found = (Width: frame.Pointer->Width, Height: frame.Pointer->Height, Format: frame.Pointer->Format);
                    if (chain is null)
                    {
                        var onItsSide = stream.Turn is Turn.Left or Turn.Right;
                        (source, size) = (found, onItsSide ? settings.FrameSize(found.Height, found.Width) : settings.FrameSize(found.Width, found.Height));
                        if (Math.Max(found.Width, found.Height) > settings.MaxAspect * Math.Min(found.Width, found.Height))
                        {
                            throw new RefusedException("the picture is long and thin");
                        }

                        chain = new FilterChain(
                            PictureSource(frame.Pointer, stream.TimeBase),
                            Upright(stream.Turn) + DecoderSettings.FrameFilters(settings.Fps, string.Create(CultureInfo.InvariantCulture, $"{size.Width}:{size.Height}")),
                            "buffersink");
                    }

                    if (found != source)
                    {
                        throw new RefusedException("the picture changes its size");
                    }

                    chain.Push(frame.Pointer);
                    WriteFrames(chain, made.Pointer, size);
                }
            }

            NoErrors();
            if (chain is null)
            {
                throw new RefusedException("there are no frames");
            }

            chain.Close(End(packets, selection.Last, stream.TimeBase));
            WriteFrames(chain, made.Pointer, size);
            return size;
        }
        finally
        {
            chain?.Dispose();
        }
    }

    private void DecodeAudio(MediaFile file, MediaStream stream)
    {
        using var decoder = new StreamDecoder(stream, settings.MaxPixels);
        using var frame = new FrameHolder();
        using var made = new FrameHolder();
        FilterChain? chain = null;
        SampleClock? clock = null;
        var (source, layout) = ((Rate: 0, Format: 0), string.Empty);
        try
        {
            foreach (var packet in file.Packets(stream.Index).Append(0))
            {
                decoder.Send(packet);
                while (decoder.Receive(frame.Pointer))
                {
                    var found = (Rate: *(int*)((byte*)frame.Pointer + version.FrameSampleRate), Format: frame.Pointer->Format);
                    if (chain is null)
                    {
                        (source, layout) = (found, decoder.ChannelLayout);
                        if (!LayoutName().IsMatch(layout))
                        {
                            throw new RefusedException("its channels have no places");
                        }

                        clock = new SampleClock(stream.TimeBase, found.Rate, GapsByFrames);
                        chain = new FilterChain(
                            string.Create(CultureInfo.InvariantCulture, $"abuffer=time_base=1/{found.Rate}:sample_rate={found.Rate}:sample_fmt={found.Format}:channel_layout={layout}"),
                            DecoderSettings.SampleFilters(settings.SampleRate),
                            "abuffersink");
                    }

                    if (found != source || frame.Pointer->Pts == NoTime)
                    {
                        throw new RefusedException("the sound changes its rate, or loses its time");
                    }

                    frame.Pointer->Pts = clock!.Of(frame.Pointer, (Packet*)packet);
                    chain.Push(frame.Pointer);
                    WriteSamples(chain, made.Pointer);
                }
            }

            NoErrors();
            if (chain is null || decoder.ChannelLayout != layout)
            {
                throw new RefusedException("there is no sound, or its channels change");
            }

            chain.Close(NoTime);
            WriteSamples(chain, made.Pointer);
        }
        finally
        {
            chain?.Dispose();
        }
    }

    private static string Name(MediaStream stream) => Marshal.PtrToStringUTF8((nint)avcodec_get_name(stream.CodecId))!;

    // The filters that the ffmpeg program puts before all others.
    private static string Upright(Turn turn) => turn switch
    {
        Turn.Right => "transpose=clock,",
        Turn.Around => "hflip,vflip,",
        Turn.Left => "transpose=cclock,",
        _ => "",
    };

    // Where filters agree on the colours' meaning beforehand, it is said; else they read it off each frame.
    private string PictureSource(Frame* frame, Rational timeBase)
    {
        var colors = version.FiltersKnowColors
            ? string.Create(CultureInfo.InvariantCulture, $":colorspace={*(int*)((byte*)frame + version.FrameColorSpace)}:range={*(int*)((byte*)frame + version.FrameColorRange)}")
            : "";
        return string.Create(
            CultureInfo.InvariantCulture, $"buffer=width={frame->Width}:height={frame->Height}:pix_fmt={frame->Format}:time_base={timeBase.Numerator}/{timeBase.Denominator}{colors}");
    }

    // Concealed damage, and frames that go back in time, are things the ffmpeg program has its own ways with.
    private void CheckOrder(Frame* frame, ref long before)
    {
        var flags = *(int*)((byte*)frame + version.FrameFlags) & FrameCorrupt;
        if (flags != 0 || *(int*)((byte*)frame + version.FrameDecodeErrors) != 0 || frame->Pts <= before)
        {
            throw new RefusedException("frames are damaged, or out of order");
        }

        before = frame->Pts;
    }

    private void WriteFrames(FilterChain chain, Frame* made, (int Width, int Height) size)
    {
        while (chain.Pull(made))
        {
            var row = size.Width * 3;
            for (var y = 0; y < size.Height; y++)
            {
                output.Append(DecoderMessage.Frames, new ReadOnlySpan<byte>(made->Data + ((long)y * made->LineSize), row));
            }

            av_frame_unref(made);
        }
    }

    private void WriteSamples(FilterChain chain, Frame* made)
    {
        while (chain.Pull(made))
        {
            output.Append(DecoderMessage.Samples, new ReadOnlySpan<byte>(made->Data, made->Samples * sizeof(float)));
            av_frame_unref(made);
        }
    }

    // The end of the last frame, on the detour over microseconds that the ffmpeg program takes.
    private static long End(List<nint> packets, long last, Rational timeBase)
    {
        var duration = At(packets.First(packet => !IsDiscarded(packet) && At(packet)->Pts == last))->Duration;
        return duration > 0
            ? av_rescale_q_rnd(av_rescale_q(last, timeBase, Microseconds) + av_rescale_q(duration, timeBase, Microseconds), Microseconds, timeBase, RoundNear | RoundPassLimits)
            : throw new RefusedException("the last frame's duration is not known");
    }

    // "mono", "5.1(side)" and the like; FFmpeg 5.0 and older give the bits of a mask. An unknown one is "6 channels", or no bits.
    [GeneratedRegex(@"^(mono|stereo|downmix|quad(\(side\))?|hexagonal|octagonal|[2-7]\.[01](\([a-z-]+\))?|[12] channels|0x0*[1-9a-f][0-9a-f]*)$")]
    private static partial Regex LayoutName();

    private static bool GapsByFrames => avutil_version() >= ((58 << 16) | (29 << 8)); // FFmpeg 6.1

    // A rate such as 29.97 stands for a fraction that the fps filter guesses.
    private Rational FpsBase() => settings.Fps == Math.Floor(settings.Fps) ? new Rational(1, (int)settings.Fps) : throw new RefusedException("the rate is no whole number");

    private static bool IsDiscarded(nint packet) => (At(packet)->Flags & PacketDiscard) != 0;

    private static Packet* At(nint packet) => (Packet*)packet;

    private static void NoErrors()
    {
        if (_errors > 0)
        {
            throw new RefusedException("it does not decode without errors");
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Logged(void* context, int level, byte* format, void* arguments)
    {
        if (level <= LogError)
        {
            Interlocked.Increment(ref _errors);
        }
    }

    /// <summary>A frame that is given back.</summary>
    private sealed class FrameHolder : IDisposable
    {
        public Frame* Pointer { get; private set; } = av_frame_alloc();

        public void Dispose()
        {
            var frame = Pointer;
            av_frame_free(&frame);
            Pointer = null;
        }
    }
}
