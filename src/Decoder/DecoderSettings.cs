using System.Globalization;

namespace Xkd.Decoder;

/// <summary>How every source of one decoder is prepared: the arguments of the program.</summary>
/// <param name="Fps">Frames per second that come out.</param>
/// <param name="ShortSide">Pixels of the frames' short side; the long side is floored.</param>
/// <param name="SampleRate">Hertz of the mono samples.</param>
/// <param name="Video">Frames come out.</param>
/// <param name="Audio">Samples come out.</param>
/// <param name="MaxPixels">Pixels a source's picture has at most.</param>
/// <param name="MaxAspect">A picture's long side is at most so many times its short one.</param>
/// <param name="Build">The ffmpeg whose libraries are to be used, such as "5.1.9-0+deb12u1".</param>
public sealed record DecoderSettings(double Fps, int ShortSide, int SampleRate, bool Video, bool Audio, long MaxPixels, double MaxAspect, string Build)
{
    /// <summary>Arguments of the program, in order.</summary>
    public IReadOnlyList<string> Arguments() =>
    [
        Fps.ToString("R", CultureInfo.InvariantCulture), ShortSide.ToString(CultureInfo.InvariantCulture), SampleRate.ToString(CultureInfo.InvariantCulture),
        Video ? "video" : "-", Audio ? "audio" : "-", MaxPixels.ToString(CultureInfo.InvariantCulture), MaxAspect.ToString("R", CultureInfo.InvariantCulture), Build,
    ];

    /// <summary>Reads them back; null where they are not eight.</summary>
    public static DecoderSettings? Parse(IReadOnlyList<string> arguments) => arguments.Count != 8 ? null : new(
        double.Parse(arguments[0], CultureInfo.InvariantCulture), int.Parse(arguments[1], CultureInfo.InvariantCulture),
        int.Parse(arguments[2], CultureInfo.InvariantCulture), arguments[3] == "video", arguments[4] == "audio",
        long.Parse(arguments[5], CultureInfo.InvariantCulture), double.Parse(arguments[6], CultureInfo.InvariantCulture), arguments[7]);

    /// <summary>
    /// Frames at <paramref name="fps"/> a second: frame n is the one on screen at n / fps, the last that does not begin after it. A video that begins after
    /// its sound is led by its first frame. Frames become RGB at their own size, then are scaled bilinearly with exact rounding: the order and the
    /// kernel of the released recipe, whose frames this gives to a tenth of a level.
    /// </summary>
    /// <param name="fps">Frames per second.</param>
    /// <param name="size">Width and height, or expressions of them, as the scale filter takes them.</param>
    public static string FrameFilters(double fps, string size) => string.Create(
        CultureInfo.InvariantCulture, $"fps={fps:R}:start_time=0:round=up,scale=flags=bilinear,format=rgb24,scale={size}:flags=bilinear+accurate_rnd");

    /// <summary>
    /// Samples of one channel at <paramref name="rate"/> on the source's clock: silence fills late starts and gaps, and samples that lag or run ahead by
    /// more than 50 ms are brought back, so that sample n stays at n / rate. Twice as soon as the filter does by itself: less than half of the distance of two
    /// frames at 8 a second. Channels are mixed by the places they are for, without gain: two become their mean, as the reference takes
    /// it, where the filter's own choice for float samples is 3 dB more, and clips in 16 bits.
    /// </summary>
    /// <param name="rate">Hertz.</param>
    /// <param name="inPieces">They begin with the first sample instead of with the clock, and follow it no more: where the rate changes, it is wrong for a moment.</param>
    public static string SampleFilters(int rate, bool inPieces = false) => string.Create(
        CultureInfo.InvariantCulture, $"aresample={rate}:{(inPieces ? "" : "async=1:min_hard_comp=0.05:first_pts=0:")}rematrix_maxval=1,aformat=sample_fmts=flt:channel_layouts=mono");

    /// <summary>The filter that makes one channel of several which all count the same.</summary>
    public static string EvenMix(int channels) =>
        "aformat=sample_fmts=flt,pan=mono|c0=" + string.Join('+', Enumerable.Range(0, channels).Select(channel => string.Create(CultureInfo.InvariantCulture, $"{1.0 / channels:R}*c{channel}")));

    /// <summary>Width and height of a source of that size.</summary>
    public (int Width, int Height) FrameSize(int width, int height) => FrameSize(width, height, ShortSide);

    /// <summary>Width and height when the short side becomes <paramref name="side"/>; the long side is floored.</summary>
    public static (int Width, int Height) FrameSize(int width, int height, int side) =>
        width > height ? ((int)((long)width * side / height), side) : (side, (int)((long)height * side / width));
}
