namespace Xkd.Decoder.Libav;

/// <summary>
/// Where one generation of libav keeps the fields that it has no function for. Offsets hold within a major version of a library; a
/// generation belongs here once the tests have compared its output with the ffmpeg program's, byte by byte.
/// </summary>
internal sealed record LibavVersion
{
    /// <summary>The generations that are known.</summary>
    public static IReadOnlyList<LibavVersion> Known { get; } =
    [
        // FFmpeg 5.0 and 5.1
        new()
        {
            Util = 57, Codec = 59, Format = 59, Filter = 8,
            FormatStreamCount = 44, FormatStreams = 48, FormatStartTime = 64, FormatDuration = 72,
            StreamTimeBase = 16, StreamDisposition = 48, StreamParameters = 208,
            FrameSampleRate = 208, FrameFlags = 316, FrameDecodeErrors = 376,
        },
    ];

    public required int Util { get; init; }

    public required int Codec { get; init; }

    public required int Format { get; init; }

    public required int Filter { get; init; }

    public required int FormatStreamCount { get; init; }

    public required int FormatStreams { get; init; }

    public required int FormatStartTime { get; init; }

    public required int FormatDuration { get; init; }

    public required int StreamTimeBase { get; init; }

    public required int StreamDisposition { get; init; }

    public required int StreamParameters { get; init; }

    public required int FrameSampleRate { get; init; }

    public required int FrameFlags { get; init; }

    public required int FrameDecodeErrors { get; init; }

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
