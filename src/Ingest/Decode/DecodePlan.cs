using System.Globalization;
using FFMpegCore;
using Xkd.Decoder;

namespace Xkd.Ingest;

/// <summary>What a run of ffmpeg does with one source: which outputs it has, and how they are prepared.</summary>
internal sealed record DecodePlan
{
    /// <summary>The source, with its stretch.</summary>
    public required SourceItem Item { get; init; }

    /// <summary>The preparation.</summary>
    public required DecodeOptions Options { get; init; }

    /// <summary>Frames come out.</summary>
    public required bool Video { get; init; }

    /// <summary>Samples come out.</summary>
    public required bool Audio { get; init; }

    /// <summary>The source's stretch is cut out of what is decoded from its beginning: slow, and exact where a container cannot be sought in.</summary>
    public bool WithoutSeeking { get; init; }

    /// <summary>The sound changes its rate or channels: its pieces follow one another as they are, and what it begins late by is put before them elsewhere.</summary>
    public bool SoundInPieces { get; init; }

    /// <summary>The streams to take, known after a probe; null lets ffmpeg pick its best.</summary>
    public MediaInfo? Probed { get; init; }

    // Seconds decoded before a stretch: the frame on screen where it begins is older than it.
    private const double Lead = 1;

    private double Start => Item.Start ?? 0;

    // Where decoding begins, and the stretch from there on.
    private double Sought => WithoutSeeking ? 0 : Math.Max(0, Start - Lead);

    /// <summary>
    /// The command line of a run. Outputs in order: frames (rgb24) if any, samples (float32, little endian) if any; <paramref name="outputs"/> says where
    /// each goes.
    /// </summary>
    public string Arguments(IReadOnlyList<string> outputs)
    {
        var run = FFMpegArguments.FromFileInput(Quote(Item.Path), verifyExists: false, Input).OutputToMany(many =>
        {
            if (Video)
            {
                many.OutputToUrl(outputs[0], output => Frames(output, Probed?.BestVideo?.Index));
            }

            if (Audio)
            {
                many.OutputToUrl(outputs[Video ? 1 : 0], output => Samples(output, Probed?.BestAudio?.Index));
            }
        });

        // Prefixing every line with its level is what makes the log readable by a program; -y because pipes always "exist"; one thread
        // per filter graph, as the default is a pool of threads for each.
        return $"-hide_banner -nostdin -nostats -v level+info -y -filter_threads 1 {run.Arguments}";
    }

    private void Input(FFMpegInputOptions input)
    {
        // One thread per process: there are as many processes as cores.
        input.WithThreads(1);
        if (Sought > 0)
        {
            input.WithStartTime(TimeSpan.FromSeconds(Sought));
        }

        if (Item.End is { } end && !WithoutSeeking)
        {
            input.WithDuration(TimeSpan.FromSeconds(end - Sought));
        }
    }

    private void Frames(FFMpegOutputOptions output, int? stream)
    {
        var side = Options.ShortSide;
        var size = Probed?.BestVideo is { Width: > 0, Height: > 0 } video && DecoderSettings.FrameSize(video.Width, video.Height, side) is var (width, height)
            ? $"{width}:{height}"
            : $"w='if(gt(iw,ih),trunc(iw*{side}/ih),{side})':h='if(gt(iw,ih),{side},trunc(ih*{side}/iw))'";

        // Of what comes before the stretch the fps filter shows the last, for as long as it is on screen.
        Map(output, stream)
            .DisableAudio().DisableSubtitles().DisableData()
            .WithCustomArgument($"-vf \"{Stretch("trim", "setpts", begin: null)}{DecoderSettings.FrameFilters(Options.Fps, size)}\"")
            .WithCustomArgument($"{(Item.End is { } end ? Limit(end - Start) : "")}-pix_fmt rgb24 -f rawvideo");
    }

    // Frames that begin within the stretch: the last source frame may outlast it.
    private string Limit(double seconds) => string.Create(CultureInfo.InvariantCulture, $"-frames:v {Math.Max(1, Math.Ceiling((seconds * Options.Fps) - 1e-6))} ");

    private void Samples(FFMpegOutputOptions output, int? stream) =>
        Map(output, stream)
            .DisableVideo().DisableSubtitles().DisableData()
            .WithCustomArgument($"-af \"{Stretch("atrim", "asetpts", begin: Start - Sought)}{DecoderSettings.SampleFilters(Options.SampleRate, SoundInPieces)}\"")
            .WithCustomArgument("-f f32le");

    // The stretch's time counts from its start.
    private string Stretch(string trim, string shift, double? begin)
    {
        var end = WithoutSeeking ? Item.End : null;
        var bounds = string.Join(':', new[] { Bound("start", begin > 0 ? begin : null), Bound("end", end) }.OfType<string>());
        return (bounds.Length > 0 ? $"{trim}={bounds}," : "") + (Start > Sought ? string.Create(CultureInfo.InvariantCulture, $"{shift}=PTS-{Start - Sought}/TB,") : "");

        static string? Bound(string name, double? seconds) => seconds is { } at ? string.Create(CultureInfo.InvariantCulture, $"{name}={at}") : null;
    }

    // WithMap would write [0:1], which is the output of a filter graph.
    private static FFMpegOutputOptions Map(FFMpegOutputOptions output, int? stream) => stream is null ? output : output.WithCustomArgument($"-map 0:{stream}");

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
