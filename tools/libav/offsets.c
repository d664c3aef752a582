/* Prints what src/Decoder/Libav/LibavVersion.cs has to know of one generation of libav, from its own headers:
   apt-get install libavformat-dev libavfilter-dev gcc && gcc -o /tmp/offsets tools/libav/offsets.c && /tmp/offsets
   (-I names the headers of another one). Offsets hold within a major version of a library. */
#include <stddef.h>
#include <stdio.h>
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/version.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>

#define SIDE_DATA_IN_PARAMETERS (LIBAVFORMAT_VERSION_MAJOR >= 61)
#define FIELD(name, type, field) printf("%s = %zu, ", name, offsetof(type, field))

int main(void) {
    printf("Util = %d, Codec = %d, Format = %d, Filter = %d,\n", LIBAVUTIL_VERSION_MAJOR, LIBAVCODEC_VERSION_MAJOR, LIBAVFORMAT_VERSION_MAJOR, LIBAVFILTER_VERSION_MAJOR);
    FIELD("FormatStartTime", AVFormatContext, start_time);
    FIELD("FormatDuration", AVFormatContext, duration);
    FIELD("\nStreamTimeBase", AVStream, time_base);
    FIELD("StreamDisposition", AVStream, disposition);
    FIELD("StreamParameters", AVStream, codecpar);
#if SIDE_DATA_IN_PARAMETERS
    FIELD("ParametersSideData", AVCodecParameters, coded_side_data);
#endif
    FIELD("\nFrameSampleRate", AVFrame, sample_rate);
    FIELD("FrameFlags", AVFrame, flags);
    FIELD("FrameColorRange", AVFrame, color_range);
    FIELD("FrameColorSpace", AVFrame, colorspace);
    FIELD("FrameDecodeErrors", AVFrame, decode_error_flags);
    printf("\n");

    /* What every generation has had in common so far; a line here means that the code has to change. */
#define SAME(type, field, at) if (offsetof(type, field) != at) printf(#type "." #field " is at %zu, not at " #at "\n", offsetof(type, field))
    SAME(AVFormatContext, iformat, 8); SAME(AVFormatContext, nb_streams, 44); SAME(AVFormatContext, streams, 48); SAME(AVInputFormat, name, 0);
    SAME(AVCodecParameters, codec_type, 0); SAME(AVCodecParameters, codec_id, 4);
    SAME(AVPacket, pts, 8); SAME(AVPacket, size, 32); SAME(AVPacket, stream_index, 36); SAME(AVPacket, flags, 40); SAME(AVPacket, duration, 64);
    SAME(AVFrame, data, 0); SAME(AVFrame, linesize, 64); SAME(AVFrame, width, 104); SAME(AVFrame, height, 108); SAME(AVFrame, nb_samples, 112);
    SAME(AVFrame, format, 116); SAME(AVFrame, pts, 136);
#if SIDE_DATA_IN_PARAMETERS
    if (offsetof(AVCodecParameters, nb_coded_side_data) != offsetof(AVCodecParameters, coded_side_data) + sizeof(void *)) printf("AVCodecParameters.nb_coded_side_data does not follow coded_side_data\n");
#endif
    return 0;
}
