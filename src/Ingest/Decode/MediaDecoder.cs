using System.Globalization;

namespace Xkd.Ingest;

/// <summary>
/// Decodes a source into frames and samples on one timeline. An ordinary file costs one process: ffmpeg picks the streams and its log
/// says which. Only a file that does not come out whole that way (a stream missing, a cover image, a picture that changes its size,
/// less than the container declares), or gives a choice of streams, is probed, and decoded again where the probe shows how. Short files are decoded several to a process:
/// starting one takes 70 to 90 ms of CPU, half of what a ten second clip takes in all.
/// </summary>
internal sealed class MediaDecoder(FfmpegTools tools, DecodeOptions options, TimeProvider time, DecoderPool? pool = null)
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

    /// <summary>Items may go through <see cref="DecodeSimplyAsync"/> first.</summary>
    public bool DecodesSimply => pool is { IsUsable: true };

    /// <summary>
    /// Decodes an item in a process that is ready for it. As from items together, an outcome comes only of what is beyond doubt; null is to be decoded alone.
    /// </summary>
    public async Task<DecodeOutcome?> DecodeSimplyAsync(SourceItem item, CancellationToken cancellationToken)
    {
        if (FailureClassifier.Unreadable(item.Path) is { } unreadable)
        {
            return new DecodeOutcome(null, unreadable);
        }

        return await pool!.DecodeAsync(Plan(item), cancellationToken) is { } run ? Settled(run) : null;
    }

    /// <summary>
    /// Decodes items in one process, within the time one item may take. An outcome comes only of what is beyond doubt: whole, and nothing
    /// to choose or to warn of. The rest is null, to be decoded alone, so that one bad file costs the others at most a second start.
    /// </summary>
    public async Task<DecodeOutcome?[]> DecodeTogetherAsync(IReadOnlyList<SourceItem> items, CancellationToken cancellationToken)
    {
        pool?.Pass(items.Count);
        var outcomes = new DecodeOutcome?[items.Count];
        var left = new List<int>();
        for (var i = 0; i < items.Count; i++)
        {
            if (FailureClassifier.Unreadable(items[i].Path) is { } unreadable)
            {
                outcomes[i] = new DecodeOutcome(null, unreadable);
            }
            else
            {
                left.Add(i);
            }
        }

        using var timeout = new CancellationTokenSource(options.ItemTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            for (var start = 0; start < 3 && left.Count > 1; start++)
            {
                var (runs, log) = await RunAsync([.. left.Select(i => Plan(items[i]))], options.ResidentBytesTogether, either.Token);
                if (runs[0].ExitCode == 0)
                {
                    Settle(runs, log, left, outcomes);
                    return outcomes;
                }

                runs.ForEach(static run => run.Dispose());
                if (left.RemoveAll(i => Hinders(runs[left.IndexOf(i)], log)) == 0)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // One of them hangs. Which, shows when each has its own time.
        }

        return outcomes;
    }

    private void Settle(List<DecodeRun> runs, FfmpegLog log, List<int> indices, DecodeOutcome?[] outcomes)
    {
        for (var i = 0; i < runs.Count; i++)
        {
            outcomes[indices[i]] = Settled(runs[i], log.UnassignedErrors == 0);
        }
    }

    // What a run brought, where nothing is in doubt; else the run is void.
    private DecodeOutcome? Settled(DecodeRun run, bool undisturbed = true)
    {
        if (undisturbed && run.Plain && !IsShort(run, run.Log.Duration, run.Log.Duration))
        {
            return Judge(run, info: null);
        }

        run.Dispose();
        return null;
    }

    // A run ends before it begins at the first input it cannot open, or where an output's stream is missing.
    private static bool Hinders(DecodeRun run, FfmpegLog log)
    {
        var firstUnopened = log.Inputs.FirstOrDefault(static input => !input.Opened);
        return firstUnopened is null ? !run.HasStreams : run.Log == firstUnopened;
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

    private async Task<DecodeRun> RunAsync(DecodePlan plan, CancellationToken cancellationToken) => (await RunAsync([plan], options.ResidentBytes, cancellationToken)).Runs[0];

    private async Task<(List<DecodeRun> Runs, FfmpegLog Log)> RunAsync(IReadOnlyList<DecodePlan> plans, long residentBytes, CancellationToken cancellationToken)
    {
        var log = new FfmpegLog(plans.Count);
        var runs = plans.Select((plan, i) => new DecodeRun(plan, log.Inputs[i], new Spool(residentBytes, options.SpoolFolder), new Spool(residentBytes, options.SpoolFolder))).ToList();
        runs.ForEach(static run => run.LeadSound());
        try
        {
            var exitCode = await _ffmpeg.RunAsync(pipes => DecodePlan.Arguments(plans, [.. pipes.Select(static pipe => $"pipe:{pipe}")]), [.. runs.SelectMany(static run => run.Sinks())], log.Add, cancellationToken);
            runs.ForEach(run => run.ExitCode = exitCode);
            return (runs, log);
        }
        catch
        {
            runs.ForEach(static run => run.Dispose());
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
        var seconds = Math.Max(run.FrameSeconds, run.SampleSeconds);
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
