using System.Globalization;
using Xkd.Decoder;

namespace Xkd.Ingest;

/// <summary>A source is larger than ingest takes: the message names the limit and the option that raises it.</summary>
internal sealed class TooLargeException(string message) : Exception(message)
{
    private const int MostChannels = 64; // the filter that mixes them takes no more

    public static TooLargeException Decoded(long limit) =>
        new(string.Create(CultureInfo.InvariantCulture, $"its frames and samples are more than {limit} bytes; --max-decoded raises the limit"));

    /// <summary>What of a source is too large, as far as it can be told before anything is decoded; null: nothing.</summary>
    public static string? Refusal(MediaInfo info, SourceItem item, DecodeOptions options)
    {
        if (options.WantsVideo && info.Video.Count > 0)
        {
            var video = info.Video[0];
            var (width, height, pixels) = (video.Width, video.Height, (long)video.Width * video.Height);
            if (pixels > options.MaxPixels)
            {
                return string.Create(CultureInfo.InvariantCulture, $"its picture of {width}x{height} has {pixels} pixels, more than {options.MaxPixels}; --max-pixels raises the limit");
            }

            if (Math.Max(width, height) > options.MaxAspect * Math.Min(width, height))
            {
                return string.Create(CultureInfo.InvariantCulture, $"its picture of {width}x{height} is more than {options.MaxAspect} times as long as it is short; --max-aspect raises the limit");
            }
        }

        if (options.WantsAudio && info.Audio.Count > 0 && info.Audio[0].Channels > MostChannels)
        {
            return string.Create(CultureInfo.InvariantCulture, $"its sound has {info.Audio[0].Channels} channels, more than {MostChannels}");
        }

        return Bytes(info, item, options) > options.MaxDecoded ? Decoded(options.MaxDecoded).Message : null;
    }

    // By what its header says; what comes out is counted too.
    private static double Bytes(MediaInfo info, SourceItem item, DecodeOptions options)
    {
        var seconds = Math.Max(0, Math.Min(item.End ?? double.MaxValue, info.EstimatesDuration ? 0 : info.Duration ?? 0) - (item.Start ?? 0));
        var (width, height) = options.WantsVideo && info.Video.Count > 0 ? DecoderSettings.FrameSize(info.Video[0].Width, info.Video[0].Height, options.ShortSide) : (0, 0);
        return seconds * ((options.Fps * width * height * 3) + (options.WantsAudio && info.Audio.Count > 0 ? options.SampleRate * sizeof(float) : 0));
    }
}
