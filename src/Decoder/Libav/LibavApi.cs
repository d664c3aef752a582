using System.Reflection;
using System.Runtime.InteropServices;

namespace Xkd.Decoder.Libav;

/// <summary>The functions of libav that decoding takes. Errors are negative numbers.</summary>
internal static unsafe partial class LibavApi
{
    public const string Util = "avutil";
    public const string Codec = "avcodec";
    public const string Format = "avformat";
    public const string Filter = "avfilter";

    public const int MediaVideo = 0;
    public const int MediaAudio = 1;
    public const int DispositionAttachedPicture = 0x400;
    public const int SideDataDisplayMatrix = 5;
    public const int PacketCorrupt = 2;
    public const int PacketDiscard = 4;
    public const int FrameCorrupt = 1;
    public const int DiscardDefault = 0;
    public const int DiscardNonReference = 8;
    public const int LogError = 16;
    public const int RoundUp = 3;
    public const int RoundNear = 5;
    public const int RoundPassLimits = 8192;
    public const int Again = -11;
    public const int EndOfFile = -('E' | ('O' << 8) | ('F' << 16) | (' ' << 24));
    public const long NoTime = long.MinValue;
    public const int MicrosecondsPerSecond = 1_000_000;

    /// <summary>Loads the generation that is the given build's; null, with what was found in place of it, where none is.</summary>
    public static LibavVersion? Load(string build, out string found)
    {
        List<string> others = [];
        foreach (var version in LibavVersion.Known)
        {
            if (NativeLibrary.TryLoad(version.FileOf(Util)!, out var util) && BuildOf(util) is var installed && installed != build)
            {
                others.Add(installed);
            }
            else if (util != 0 && NativeLibrary.TryLoad(version.FileOf(Filter)!, out _) && NativeLibrary.TryLoad(version.FileOf(Format)!, out _))
            {
                NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => version.FileOf(name) is { } file ? NativeLibrary.Load(file) : 0);
                found = build;
                return version;
            }
        }

        found = others.Count > 0 ? $"the installed ones are of {string.Join(", ", others)}" : "none of FFmpeg 4.4 to 9 are installed";
        return null;
    }

    private static string BuildOf(nint util) =>
        Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(util, "av_version_info"))())!;

    /// <summary>Major version in the third byte, minor in the second.</summary>
    [LibraryImport(Util)]
    public static partial uint avutil_version();

    [LibraryImport(Util)]
    public static partial void av_log_set_callback(delegate* unmanaged[Cdecl]<void*, int, byte*, void*, void> callback);

    [LibraryImport(Util, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int av_opt_set_int(void* target, string name, long value, int flags);

    [LibraryImport(Util, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int av_opt_set_q(void* target, string name, Rational value, int flags);

    [LibraryImport(Util, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int av_opt_get(void* target, string name, int flags, byte** value);

    [LibraryImport(Util)]
    public static partial void av_free(void* memory);

    [LibraryImport(Util, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int av_dict_set(void** dictionary, string key, string value, int flags);

    [LibraryImport(Util)]
    public static partial void av_dict_free(void** dictionary);

    [LibraryImport(Util)]
    public static partial long av_rescale_q(long value, Rational from, Rational to);

    [LibraryImport(Util)]
    public static partial long av_rescale_q_rnd(long value, Rational from, Rational to, int rounding);

    [LibraryImport(Util)]
    public static partial long av_rescale_delta(Rational inBase, long inTime, Rational sampleBase, int samples, long* last, Rational outBase);

    [LibraryImport(Util)]
    public static partial Frame* av_frame_alloc();

    [LibraryImport(Util)]
    public static partial void av_frame_free(Frame** frame);

    [LibraryImport(Util)]
    public static partial void av_frame_unref(Frame* frame);

    [LibraryImport(Format, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int avformat_open_input(void** context, string path, void* format, void** options);

    [LibraryImport(Format)]
    public static partial int avformat_find_stream_info(void* context, void** options);

    [LibraryImport(Format)]
    public static partial void avformat_close_input(void** context);

    [LibraryImport(Format)]
    public static partial byte* av_stream_get_side_data(void* stream, int type, nuint* size);

    [LibraryImport(Codec)]
    public static partial void* av_packet_side_data_get(void* all, int count, int type);

    [LibraryImport(Format)]
    public static partial int av_read_frame(void* context, Packet* packet);

    [LibraryImport(Codec)]
    public static partial Packet* av_packet_alloc();

    [LibraryImport(Codec)]
    public static partial void av_packet_free(Packet** packet);

    [LibraryImport(Codec)]
    public static partial void* avcodec_find_decoder(int id);

    [LibraryImport(Codec)]
    public static partial byte* avcodec_get_name(int id);

    [LibraryImport(Codec)]
    public static partial void* avcodec_alloc_context3(void* codec);

    [LibraryImport(Codec)]
    public static partial int avcodec_parameters_to_context(void* context, void* parameters);

    [LibraryImport(Codec)]
    public static partial int avcodec_open2(void* context, void* codec, void** options);

    [LibraryImport(Codec)]
    public static partial void avcodec_free_context(void** context);

    [LibraryImport(Codec)]
    public static partial int avcodec_send_packet(void* context, Packet* packet);

    [LibraryImport(Codec)]
    public static partial int avcodec_receive_frame(void* context, Frame* frame);

    [LibraryImport(Filter)]
    public static partial void* avfilter_graph_alloc();

    [LibraryImport(Filter)]
    public static partial void avfilter_graph_free(void** graph);

    [LibraryImport(Filter, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int avfilter_graph_parse2(void* graph, string filters, void** inputs, void** outputs);

    [LibraryImport(Filter)]
    public static partial int avfilter_graph_config(void* graph, void* log);

    [LibraryImport(Filter, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void* avfilter_graph_get_filter(void* graph, string name);

    [LibraryImport(Filter)]
    public static partial int av_buffersrc_add_frame(void* source, Frame* frame);

    [LibraryImport(Filter)]
    public static partial int av_buffersrc_close(void* source, long pts, uint flags);

    [LibraryImport(Filter)]
    public static partial int av_buffersink_get_frame(void* sink, Frame* frame);
}
