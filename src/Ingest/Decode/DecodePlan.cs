using System.Globalization;
using FFMpegCore;
using Xkd.Decoder;

namespace Xkd.Ingest;

/// <summary>What a run of ffmpeg does with one source: which outputs it has, and how they are prepared.</summary>
internal sealed record DecodePlan
{
    /// <summary>Seconds decoded before a stretch: the frame on screen where it begins is older than it.</summary>
    public const double Lead = 1;

    /// <summary>The source, with its stretch.</summary>
    public required SourceItem Item { get; init; }

    /// <summary>The preparation.</summary>
    public required DecodeOptions Options { get; init; }

    /// <summary>The stream frames are made of; null: none.</summary>
    public VideoInfo? Video { get; init; }

    /// <summary>The stream samples are made of; null: none.</summary>
    public AudioInfo? Audio { get; init; }

    /// <summary>The source's stretch is cut out of what is decoded from its beginning: slow, and exact where a container cannot be sought in.</summary>
    public bool FromBeginning { get; init; }

    /// <summary>The sound changes its rate or channels: its pieces follow one another as they are, and what it begins late by is put before them elsewhere.</summary>
    public bool SoundInPieces { get; init; }

    /// <summary>All channels count the same, whatever places they are for.</summary>
    public bool MixEvenly { get; init; }

    /// <summary>It seeks, and what shows whether that led to the stretch is given out too.</summary>
    public bool Seeks => !FromBeginning && Sought > 0;

    private double Start => Item.Start ?? 0;

    // Where decoding begins, and the stretch from there on.
    private double Sought => FromBeginning ? 0 : Math.Max(0, Start - Lead);

    /// <summary>
    /// The command line of a run. Outputs in order: frames (rgb24) if any, samples (float32, little endian) if any; <paramref name="outputs"/> says where
    /// each goes. Where frames come out of a stretch that is sought, one more takes the times of the decoded pictures, counted from <see cref="Lead"/> before the stretch.
    /// </summary>
    public string Arguments(IReadOnlyList<string> outputs)
    {
        var run = FFMpegArguments.FromFileInput(Quote(Item.Path), verifyExists: false, Input).OutputToMany(many =>
        {
            if (Video is not null)
            {
                many.OutputToUrl(outputs[0], output => Frames(output, Video, Seeks ? outputs[^1] : null));
            }

            if (Audio is not null)
            {
                many.OutputToUrl(outputs[Video is null ? 0 : 1], output => Samples(output, Audio));
            }
        });

        // Prefixing every message with its level is what makes the log readable by a program; -y because pipes always "exist"; one thread
        // per filter graph, as the default is a pool of threads for each.
        return $"-hide_banner -nostdin -nostats -v level+warning -y -filter_threads 1 {run.Arguments}";
    }

    private void Input(FFMpegInputOptions input)
    {
        // One thread per process: there are as many processes as cores.
        input.WithThreads(1).WithCustomArgument(
            $"-protocol_whitelist {MediaFormats.Protocols} -format_whitelist {MediaFormats.Demuxers} -max_pixels {Options.MaxPixels.ToString(CultureInfo.InvariantCulture)}");
        if (Sought > 0)
        {
            input.WithStartTime(TimeSpan.FromSeconds(Sought));
        }

        if (Item.End is { } end && !FromBeginning)
        {
            input.WithDuration(TimeSpan.FromSeconds(end - Sought));
        }
    }

    private void Frames(FFMpegOutputOptions output, VideoInfo video, string? times)
    {
        var (width, height) = DecoderSettings.FrameSize(video.Width, video.Height, Options.ShortSide);
        var delay = video.Delay > 0 ? string.Create(CultureInfo.InvariantCulture, $"setpts=PTS-{video.Delay}/TB,") : "";
        var fine = video.Delay > 0 || Start > Sought ? "settb=AVTB," : ""; // a container that counts pictures cannot be shifted by less than one
        var seen = times is null ? "" : $"metadata=mode=add:key=seen:value=1,metadata=mode=print:key=seen:file='{times.Replace(":", @"\:", StringComparison.Ordinal)}',";

        // Of what comes before the stretch the fps filter shows the last, for as long as it is on screen.
        output.WithCustomArgument($"-map 0:{video.Index}")
            .DisableAudio().DisableSubtitles().DisableData()
            .WithCustomArgument($"-vf \"{seen}{fine}{delay}{Stretch("trim", "setpts", begin: null)}{DecoderSettings.FrameFilters(Options.Fps, $"{width}:{height}")}\"")
            .WithCustomArgument($"{(Item.End is { } end ? Limit(end - Start) : "")}-pix_fmt rgb24 -f rawvideo");
    }

    // Frames that begin within the stretch: the last source frame may outlast it.
    private string Limit(double seconds) => string.Create(CultureInfo.InvariantCulture, $"-frames:v {Math.Max(1, Math.Ceiling((seconds * Options.Fps) - 1e-6))} ");

    private void Samples(FFMpegOutputOptions output, AudioInfo audio)
    {
        var mix = MixEvenly || audio.MixesEvenly ? DecoderSettings.EvenMix(audio.Channels) + "," : "";
        output.WithCustomArgument($"-map 0:{audio.Index}")
            .DisableVideo().DisableSubtitles().DisableData()
            .WithCustomArgument($"-af \"{mix}{Stretch("atrim", "asetpts", begin: Start - Sought)}{DecoderSettings.SampleFilters(Options.SampleRate, SoundInPieces)}\"")
            .WithCustomArgument("-f f32le");
    }

    // The stretch's time counts from its start.
    private string Stretch(string trim, string shift, double? begin)
    {
        var end = FromBeginning ? Item.End : null;
        var bounds = string.Join(':', new[] { Bound("start", begin > 0 ? begin : null), Bound("end", end) }.OfType<string>());
        return (bounds.Length > 0 ? $"{trim}={bounds}," : "") + (Start > Sought ? string.Create(CultureInfo.InvariantCulture, $"{shift}=PTS-{Start - Sought}/TB,") : "");

        static string? Bound(string name, double? seconds) => seconds is { } at ? string.Create(CultureInfo.InvariantCulture, $"{name}={at}") : null;
    }

    // FFMpegCore puts the path between double quotes; the command line's own rules then want quotes, and backslashes before them, escaped.
    private static string Quote(string path)
    {
        var quoted = new System.Text.StringBuilder(path.Length);
        var backslashes = 0;
        foreach (var letter in path)
        {
            if (letter == '"')
            {
                quoted.Append('\\', backslashes + 1);
            }

            backslashes = letter == '\\' ? backslashes + 1 : 0;
            quoted.Append(letter);
        }

        return quoted.Append('\\', backslashes).ToString();
    }
}
