using System.Globalization;

namespace Xkd.Decoder;

/// <summary>How every source of one decoder is prepared: the arguments of the program.</summary>
/// <param name="Fps">Frames per second that come out.</param>
/// <param name="ShortSide">Pixels of the frames' short side; the long side is floored.</param>
/// <param name="SampleRate">Hertz of the mono samples.</param>
/// <param name="Video">Frames come out.</param>
/// <param name="Audio">Samples come out.</param>
public sealed record DecoderSettings(double Fps, int ShortSide, int SampleRate, bool Video, bool Audio)
{
    /// <summary>Arguments of the program, in order.</summary>
    public IReadOnlyList<string> Arguments() =>
    [
        Fps.ToString("R", CultureInfo.InvariantCulture), ShortSide.ToString(CultureInfo.InvariantCulture), SampleRate.ToString(CultureInfo.InvariantCulture),
        Video ? "video" : "-", Audio ? "audio" : "-",
    ];

    /// <summary>Reads them back; null where they are not five.</summary>
    public static DecoderSettings? Parse(IReadOnlyList<string> arguments) => arguments.Count != 5 ? null : new(
        double.Parse(arguments[0], CultureInfo.InvariantCulture), int.Parse(arguments[1], CultureInfo.InvariantCulture),
        int.Parse(arguments[2], CultureInfo.InvariantCulture), arguments[3] == "video", arguments[4] == "audio");

    /// <summary>
    /// Samples of one channel at <paramref name="rate"/> on the source's clock: silence fills late starts and gaps, and samples that lag or run ahead by
    /// more than 50 ms are brought back, so that sample n stays at n / rate. Twice as soon as the filter does by itself: the frames add half of their own
    /// distance, 62.5 ms at 8 a second, and both together stay below one. Channels are mixed without gain: two become their mean, as the reference takes
    /// it, where the filter's own choice for float samples is 3 dB more, and clips in 16 bits.
    /// </summary>
    /// <param name="rate">Hertz.</param>
    /// <param name="inPieces">They begin with the first sample instead of with the clock.</param>
    public static string SampleFilters(int rate, bool inPieces = false) => string.Create(
        CultureInfo.InvariantCulture, $"aresample={rate}:async=1:min_hard_comp=0.05:{(inPieces ? "" : "first_pts=0:")}rematrix_maxval=1,aformat=sample_fmts=flt:channel_layouts=mono");

    /// <summary>Width and height of a source of that size.</summary>
    public (int Width, int Height) FrameSize(int width, int height) => FrameSize(width, height, ShortSide);

    /// <summary>Width and height when the short side becomes <paramref name="side"/>; the long side is floored.</summary>
    public static (int Width, int Height) FrameSize(int width, int height, int side) =>
        width > height ? ((int)((long)width * side / height), side) : (side, (int)((long)height * side / width));
}
