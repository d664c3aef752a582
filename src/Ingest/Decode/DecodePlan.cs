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

    /// <summary>
    /// The command line of one run over several sources. Outputs in order, by source: frames (rgb24) if any, samples (float32, little
    /// endian) if any; <paramref name="outputs"/> says where each goes. With more than one source ffmpeg would pick one best stream among them all, so each then gives its first video
    /// that is no attached picture, and its first audio; a source without one ends the run before it begins.
    /// </summary>
    public static string Arguments(IReadOnlyList<DecodePlan> plans, IReadOnlyList<string> outputs)
    {
        var inputs = FFMpegArguments.FromFileInput(Quote(plans[0].Item.Path), verifyExists: false, plans[0].Input);
        foreach (var plan in plans.Skip(1))
        {
            inputs = inputs.AddFileInput(Quote(plan.Item.Path), verifyExists: false, plan.Input);
        }

        var run = inputs.OutputToMany(many =>
        {
            var next = 0;
            for (var input = 0; input < plans.Count; input++)
            {
                var (plan, index) = (plans[input], input);
                if (plan.Video)
                {
                    many.OutputToUrl(outputs[next++], output => plan.Frames(output, plan.Probed?.BestVideo?.Index is { } stream ? $"0:{stream}" : plans.Count > 1 ? $"{index}:V:0" : null));
                }

                if (plan.Audio)
                {
                    many.OutputToUrl(outputs[next++], output => plan.Samples(output, plan.Probed?.BestAudio?.Index is { } stream ? $"0:{stream}" : plans.Count > 1 ? $"{index}:a:0" : null));
                }
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
        if (WithoutSeeking)
        {
            return;
        }

        if (Item.Start is { } start)
        {
            input.WithStartTime(TimeSpan.FromSeconds(start));
        }

        if (Item.End is { } end)
        {
            input.WithDuration(TimeSpan.FromSeconds(end - (Item.Start ?? 0)));
        }
    }

    private void Frames(FFMpegOutputOptions output, string? stream)
    {
        var side = Options.ShortSide;
        var size = Probed?.BestVideo is { Width: > 0, Height: > 0 } video && DecoderSettings.FrameSize(video.Width, video.Height, side) is var (width, height)
            ? $"{width}:{height}"
            : $"w='if(gt(iw,ih),trunc(iw*{side}/ih),{side})':h='if(gt(iw,ih),{side},trunc(ih*{side}/iw))'";

        // start_time=0: a video that begins after the audio is led by its first frame, so that frame n stays at n / fps of both.
        var fps = Options.Fps.ToString("R", CultureInfo.InvariantCulture);
        Map(output, stream)
            .DisableAudio().DisableSubtitles().DisableData()
            .WithCustomArgument($"-vf \"{Trim("trim", "setpts")}fps={fps}:start_time=0,scale={size}\"")
            .WithCustomArgument("-pix_fmt rgb24 -f rawvideo");
    }

    private void Samples(FFMpegOutputOptions output, string? stream) =>
        Map(output, stream)
            .DisableVideo().DisableSubtitles().DisableData()
            .WithCustomArgument($"-af \"{Trim("atrim", "asetpts")}{DecoderSettings.SampleFilters(Options.SampleRate, SoundInPieces)}\"")
            .WithCustomArgument("-f f32le");

    // The stretch of a source that was not sought.
    private string Trim(string trim, string shift) => !WithoutSeeking || Item.Start is not { } start ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{trim}=start={start}{(Item.End is { } end ? $":end={end.ToString(CultureInfo.InvariantCulture)}" : "")},{shift}=PTS-{start}/TB,");

    // WithMap would write [0:1], which is the output of a filter graph.
    private static FFMpegOutputOptions Map(FFMpegOutputOptions output, string? stream) => stream is null ? output : output.WithCustomArgument($"-map {stream}");

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
