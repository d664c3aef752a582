namespace Xkd.Decoder.Libav;

/// <summary>
/// Where one generation of libav keeps the fields that it has no function for. Offsets hold within a major version of a library; a
/// generation belongs here once its own headers have been read (`tools/libav/offsets.c`) and, where a distribution has it, the tests have compared its output
/// with the ffmpeg program's, byte by byte.
/// </summary>
internal sealed record LibavVersion
{
    /// <summary>The generations that are known: every one from FFmpeg 4.4 to 9.</summary>
    public static IReadOnlyList<LibavVersion> Known { get; } =
    [
        // FFmpeg 4.4
        new()
        {
            Util = 56, Codec = 58, Format = 58, Filter = 7,
            FormatStartTime = 1088, FormatDuration = 1096,
            StreamTimeBase = 24, StreamDisposition = 56, StreamParameters = 208,
            FrameSampleRate = 272, FrameFlags = 380, FrameColorRange = 384, FrameColorSpace = 396, FrameDecodeErrors = 440,
        },

        // FFmpeg 5.0 and 5.1
        new()
        {
            Util = 57, Codec = 59, Format = 59, Filter = 8,
            FormatStartTime = 64, FormatDuration = 72,
            StreamTimeBase = 16, StreamDisposition = 48, StreamParameters = 208,
            FrameSampleRate = 208, FrameFlags = 316, FrameColorRange = 320, FrameColorSpace = 332, FrameDecodeErrors = 376,
        },

        // FFmpeg 6.0 and 6.1
        new()
        {
            Util = 58, Codec = 60, Format = 60, Filter = 9,
            FormatStartTime = 64, FormatDuration = 72,
            StreamTimeBase = 32, StreamDisposition = 64, StreamParameters = 16,
            FrameSampleRate = 208, FrameFlags = 316, FrameColorRange = 320, FrameColorSpace = 332, FrameDecodeErrors = 376,
        },

        // FFmpeg 7.0 and 7.1
        new()
        {
            Util = 59, Codec = 61, Format = 61, Filter = 10,
            FormatStartTime = 96, FormatDuration = 104,
            StreamTimeBase = 32, StreamDisposition = 64, StreamParameters = 16, ParametersSideData = 32,
            FrameSampleRate = 192, FrameFlags = 292, FrameColorRange = 296, FrameColorSpace = 308, FrameDecodeErrors = 344,
            FiltersKnowColors = true,
        },

        // FFmpeg 8
        new()
        {
            Util = 60, Codec = 62, Format = 62, Filter = 11,
            FormatStartTime = 96, FormatDuration = 104,
            StreamTimeBase = 32, StreamDisposition = 64, StreamParameters = 16, ParametersSideData = 32,
            FrameSampleRate = 180, FrameFlags = 276, FrameColorRange = 280, FrameColorSpace = 292, FrameDecodeErrors = 320,
            FiltersKnowColors = true,
        },

        // FFmpeg 9
        new()
        {
            Util = 61, Codec = 63, Format = 63, Filter = 12,
            FormatStartTime = 96, FormatDuration = 104,
            StreamTimeBase = 32, StreamDisposition = 64, StreamParameters = 16, ParametersSideData = 32,
            FrameSampleRate = 180, FrameFlags = 276, FrameColorRange = 280, FrameColorSpace = 292, FrameDecodeErrors = 320,
            FiltersKnowColors = true,
        },
    ];

    public required int Util { get; init; }

    public required int Codec { get; init; }

    public required int Format { get; init; }

    public required int Filter { get; init; }

    public required int FormatStartTime { get; init; }

    public required int FormatDuration { get; init; }

    public required int StreamTimeBase { get; init; }

    public required int StreamDisposition { get; init; }

    public required int StreamParameters { get; init; }

    /// <summary>Where AVCodecParameters keep what else is known of a stream, followed by its count; 0 where the stream keeps it, and has a function for it.</summary>
    public int ParametersSideData { get; init; }

    public required int FrameSampleRate { get; init; }

    public required int FrameFlags { get; init; }

    public required int FrameColorRange { get; init; }

    public required int FrameColorSpace { get; init; }

    public required int FrameDecodeErrors { get; init; }

    /// <summary>The source of a filter graph is told the pictures' colour space and range.</summary>
    public bool FiltersKnowColors { get; init; }

    /// <summary>The shared object of a library in this generation; null for a name that is none of libav's.</summary>
    public string? FileOf(string library) => library switch
    {
        LibavApi.Util => $"libavutil.so.{Util}",
        LibavApi.Codec => $"libavcodec.so.{Codec}",
        LibavApi.Format => $"libavformat.so.{Format}",
        LibavApi.Filter => $"libavfilter.so.{Filter}",
        _ => null,
    };
}
