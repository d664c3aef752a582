using System.Globalization;

namespace Xkd.Ingest;

/// <summary>
/// Decodes a source into frames and samples on one timeline, in one of two ways that give the same bytes. What leaves no doubt is decoded by ffmpeg's
/// libraries in a process that stays; every other source costs a process of its own: ffmpeg picks the streams and its log says which. Only a file that does
/// not come out whole that way (a stream missing, a cover image, a picture that changes its size, less than the container declares), or gives a choice of
/// streams, is probed, and decoded again where the probe shows how.
/// </summary>
internal sealed class MediaDecoder(FfmpegTools tools, DecodeOptions options, TimeProvider time, DecoderPool? pool = null) : IMediaDecoder
{
    private readonly FfmpegProcess _ffmpeg = new(tools);
    private readonly MediaProbe _probe = new(tools);

    /// <summary>Decodes an item within the time one item may take.</summary>
    public async Task<DecodeOutcome> DecodeAsync(SourceItem item, CancellationToken cancellationToken)
    {
        if (FailureClassifier.Unreadable(item.Path) is { } unreadable)
        {
            return new DecodeOutcome(null, unreadable);
        }

        if (pool is not null && await DecodeByLibrariesAsync(pool, item, cancellationToken) is { } outcome)
        {
            return outcome;
        }

        using var timeout = new CancellationTokenSource(options.ItemTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await DecodeFileAsync(item, either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return DecodeOutcome.Failed(
                FailureStages.Decode, FailureReasons.Timeout, $"not done after {options.ItemTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s; --item-timeout allows more");
        }
    }

    /// <summary>Decodes an item by libraries alone; null where the ffmpeg program has to.</summary>
    public async Task<DecodeOutcome?> DecodeByLibrariesAsync(DecoderPool libraries, SourceItem item, CancellationToken cancellationToken)
    {
        var run = await libraries.DecodeAsync(Plan(item), cancellationToken);
        if (run is { Plain: true } && !IsShort(run, run.Log.Duration, run.Log.Duration))
        {
            return Judge(run, info: null);
        }

        run?.Dispose();
        return null;
    }

    private DecodePlan Plan(SourceItem item) => new() { Item = item, Options = options, Video = options.WantsVideo, Audio = options.WantsAudio };

    private async Task<DecodeOutcome> DecodeFileAsync(SourceItem item, CancellationToken cancellationToken)
    {
        var plan = Plan(item);
        var run = await RunAsync(plan, cancellationToken);
        if (run.SoughtInDoubt)
        {
            run.Dispose();
            plan = plan with { WithoutSeeking = true };
            run = await RunAsync(plan, cancellationToken);
        }

        MediaInfo? info = null;
        if (!run.Sound || run.HasChoice || IsShort(run, run.Log.Duration, run.Log.Duration))
        {
            (info, var failure) = await _probe.ProbeAsync(item.Path, cancellationToken);
            if (info is null)
            {
                run.Dispose();
                return new DecodeOutcome(null, failure);
            }
        }

        if (!run.Sound || (info is not null && !run.TookTheBest(info)))
        {
            run.Dispose();
            plan = plan with
            {
                Probed = info,
                Video = plan.Video && info!.BestVideo is not null,
                Audio = plan.Audio && info!.BestAudio is not null,
                SoundInPieces = run.Log.SoundRestarted,
                WithoutSeeking = plan.WithoutSeeking || run.Log.SoundRestarted,
            };
            if (!plan.Video && !plan.Audio)
            {
                return Nothing(info!);
            }

            run = await RunAsync(plan, cancellationToken);
        }

        return Judge(run, info);
    }

    private async Task<DecodeRun> RunAsync(DecodePlan plan, CancellationToken cancellationToken)
    {
        var log = new FfmpegLog();
        var run = new DecodeRun(plan, log.Input);
        run.LeadSound();
        try
        {
            run.ExitCode = await _ffmpeg.RunAsync(pipes => plan.Arguments([.. pipes.Select(static pipe => $"pipe:{pipe}")]), [.. run.Sinks()], log.Add, cancellationToken);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    private DecodeOutcome Nothing(MediaInfo info)
    {
        var found = info.Video.Count + info.Audio.Count == 0 ? "neither video nor audio" : options.WantsVideo ? "audio alone" : "video alone";
        return DecodeOutcome.Failed(FailureStages.Probe, options.WantsVideo ? FailureReasons.NoVideo : FailureReasons.NoAudio, $"the file holds {found}");
    }

    private DecodeOutcome Judge(DecodeRun run, MediaInfo? info)
    {
        var warnings = run.Warnings().ToList();
        var failure = Failure(run, info);
        if (failure is { Reason: FailureReasons.Truncated } && run.Log is { EstimatesDuration: true, ErrorCount: 0 })
        {
            // Nothing declares how long it is: the clock jumps, or the bit rate varies. All that is there was decoded.
            warnings.Add($"its duration is an estimate, and not met: {failure.Detail}");
            failure = TooShort(run);
        }

        if (failure is not null)
        {
            run.Dispose();
            return new DecodeOutcome(null, failure);
        }

        var (width, height) = run.Frames.Length > 0 ? run.Log.FrameSize!.Value : (0, 0);
        return new DecodeOutcome(new DecodedMedia(run.Frames, run.Samples) { Width = width, Height = height, Warnings = warnings }, null);
    }

    private ItemFailure? Failure(DecodeRun run, MediaInfo? info)
    {
        var said = run.Log.Errors.Count > 0 ? string.Join("; ", run.Log.Errors.Take(3)) : $"ffmpeg's exit code is {run.ExitCode}";
        if (run.ExitCode == 0 && run.Plan.Video && run.Frames.Length == 0)
        {
            return new ItemFailure(FailureStages.Decode, FailureReasons.NoFrames, $"the video stream decodes to no frame ({said})");
        }

        if (!run.Sound)
        {
            var reason = FailureClassifier.IsTransient(run.Log.Errors) ? FailureReasons.Io : FailureReasons.Corrupt;
            return new ItemFailure(FailureStages.Decode, reason, said);
        }

        var video = info is null ? run.Log.Duration : info.BestVideo?.Duration;
        var audio = info is null ? run.Log.Duration : info.BestAudio?.Duration;
        if (info is not null && video is null && audio is null && Math.Max(run.FrameSeconds, run.SampleSeconds) < options.CompleteRatio * Wanted(run.Plan.Item, info.Duration))
        {
            // Only the container declares a duration, which is its longest stream's.
            video = audio = info.Duration;
        }

        if (IsShort(run, video, audio))
        {
            var detail = FormattableString.Invariant(
                $"decoded {run.FrameSeconds:F2} s of video and {run.SampleSeconds:F2} s of audio, declared {Wanted(run.Plan.Item, video):F2} s and {Wanted(run.Plan.Item, audio):F2} s");
            return new ItemFailure(FailureStages.Decode, FailureReasons.Truncated, run.Log.ErrorCount > 0 ? $"{detail}: {said}" : detail);
        }

        return TooShort(run);
    }

    private ItemFailure? TooShort(DecodeRun run)
    {
        // A frame alone is no video, however long the sound is beside it.
        var seconds = run.FrameSeconds > 0 ? run.FrameSeconds : run.SampleSeconds;
        return seconds < options.MinClip
            ? new ItemFailure(FailureStages.Decode, FailureReasons.TooShort, FormattableString.Invariant($"{seconds:F3} s; at least {options.MinClip} s are needed"))
            : null;
    }

    private bool IsShort(DecodeRun run, double? declaredVideo, double? declaredAudio)
    {
        // Half a frame of slack: the last frame of a short source is rounded away.
        var slack = 0.5 / options.Fps;
        return (run.Plan.Video && run.FrameSeconds + slack < options.CompleteRatio * Wanted(run.Plan.Item, declaredVideo))
            || (run.Plan.Audio && run.SampleSeconds + slack < options.CompleteRatio * Wanted(run.Plan.Item, declaredAudio));
    }

    /// <summary>Seconds a source of that duration should give, its stretch considered; 0 where nothing is declared.</summary>
    private static double Wanted(SourceItem item, double? declared)
    {
        var start = item.Start ?? 0;
        var stretch = item.End is { } end ? end - start : double.MaxValue;
        return declared is { } seconds ? Math.Max(0, Math.Min(seconds - start, stretch)) : 0;
    }
}
