using System.Globalization;
using Xkd.Decoder;

namespace Xkd.Ingest;

/// <summary>
/// Decodes a source into frames and samples on one timeline, in one of two ways that give the same bytes. What leaves no doubt is decoded by ffmpeg's
/// libraries in a process that stays. Every other source is probed, then decoded by a process of its own, which is told what to take of it; what that run shows of
/// the source (a seek that went astray, a track that holds nothing, sound that changes its rate) corrects the plan, each at most once, until nothing is left to correct.
/// </summary>
internal sealed class MediaDecoder(FfmpegTools tools, DecodeOptions options, TimeProvider time, DecoderPool? pool = null) : IMediaDecoder
{
    private readonly FfmpegProcess _ffmpeg = new(tools, options.Buffers);
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
            return pool is not null && await DecodeByLibrariesAsync(pool, item, cancellationToken) is { } outcome ? outcome : await DecodeAgainAsync(item, either.Token);
        }
        catch (TooLargeException exception)
        {
            return DecodeOutcome.Failed(FailureStages.Decode, FailureReasons.TooLarge, exception.Message);
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
        if (await libraries.DecodeAsync(item, cancellationToken) is not { } decoded)
        {
            return null;
        }

        var (run, declared) = decoded;
        if (!IsShort(run, item, run.Frames.Length > 0 ? declared : null, run.Samples.Length > 0 ? declared : null)) // what has come is what there is
        {
            return Outcome(run, TooShort(run), []);
        }

        run.Dispose();
        return null;
    }

    // ffmpeg also speaks of input and memory where a file asks for what there cannot be. One that can be read to its end, and fails alike after that, is itself the cause.
    private async Task<DecodeOutcome> DecodeAgainAsync(SourceItem item, CancellationToken cancellationToken)
    {
        var outcome = await DecodeFileAsync(item, cancellationToken);
        if (outcome.Failure?.Reason != FailureReasons.Io || !await FailureClassifier.CanBeReadAsync(item.Path, cancellationToken))
        {
            return outcome;
        }

        outcome = await DecodeFileAsync(item, cancellationToken);
        return outcome.Failure is { Reason: FailureReasons.Io } failure ? outcome with { Failure = failure with { Reason = FailureReasons.Corrupt } } : outcome;
    }

    private async Task<DecodeOutcome> DecodeFileAsync(SourceItem item, CancellationToken cancellationToken)
    {
        var (info, failure) = await _probe.ProbeAsync(item.Path, cancellationToken);
        if (info is null)
        {
            return new DecodeOutcome(null, failure);
        }

        if (TooLargeException.Refusal(info, item, options) is { } refusal)
        {
            return DecodeOutcome.Failed(FailureStages.Probe, FailureReasons.TooLarge, refusal);
        }

        foreach (var (index, isVideo) in info.Unknown)
        {
            // A track of nothing is none; one that holds packets is damaged, unless another stands beside it.
            if ((isVideo ? options.WantsVideo && info.Video.Count == 0 : options.WantsAudio && info.Audio.Count == 0) && await _probe.HasPacketsAsync(item.Path, index, cancellationToken))
            {
                return DecodeOutcome.Failed(FailureStages.Decode, FailureReasons.Corrupt, $"stream {index} holds {(isVideo ? "pictures of no size" : "sound of no rate")}");
            }
        }

        var plan = new DecodePlan
        {
            Item = item,
            Options = options,
            Video = options.WantsVideo && info.Video is [var picture, ..] ? picture : null,
            Audio = options.WantsAudio && info.Audio is [var sound, ..] ? sound : null,
            FromBeginning = !info.HasIndex,
        };
        while (plan is not { Video: null, Audio: null })
        {
            var run = await RunAsync(plan, cancellationToken);
            var next = Corrected(plan, run) ?? await WithoutEmptyTracksAsync(plan, run, info, cancellationToken);
            if (next is null)
            {
                return Judge(plan, run, info);
            }

            run.Dispose();
            plan = next;
        }

        return Nothing(info);
    }

    private async Task<DecodeRun> RunAsync(DecodePlan plan, CancellationToken cancellationToken)
    {
        var run = new DecodeRun(options)
        {
            FrameSize = plan.Video is { } video ? DecoderSettings.FrameSize(video.Width, video.Height, options.ShortSide) : default,
        };
        try
        {
            var sinks = new List<SpanSink>();
            if (plan.Video is not null)
            {
                sinks.Add(run.AddFrames);
            }

            if (plan.Audio is { } audio)
            {
                sinks.Add(run.AddSamples);
                if (plan.SoundInPieces && audio.Start - (plan.Item.Start ?? 0) is var late and > 0)
                {
                    run.AddSamples(new byte[sizeof(float) * (int)Math.Round(late * options.SampleRate)]);
                }
            }

            if (plan is { Seeks: true, Video: not null })
            {
                sinks.Add(run.AddTimes);
            }

            run.ExitCode = await _ffmpeg.RunAsync(pipes => plan.Arguments([.. pipes.Select(static pipe => $"pipe:{pipe}")]), sinks, run.Log.Add, cancellationToken);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>The plan that a run has shown to be the better one; null where it was right. Each correction is made once, so that they come to an end.</summary>
    private static DecodePlan? Corrected(DecodePlan plan, DecodeRun run)
    {
        // A seek that ended behind the frame on screen, or where the decoder misses what was never decoded.
        if (plan.Seeks && (run.ExitCode != 0 || run.Log.ErrorCount > 0 || (plan.Video is not null && (run.FirstPicture is not { } first || first > DecodePlan.Lead))))
        {
            return plan with { FromBeginning = true };
        }

        if (plan is { Audio: not null, SoundInPieces: false } && run.Log.SoundRestarted)
        {
            return plan with { SoundInPieces = true, FromBeginning = true };
        }

        // Places that cannot be mixed: an ambisonic recording has none.
        return run.ExitCode != 0 && plan is { Audio: { MixesEvenly: false, Channels: > 2 }, MixEvenly: false } ? plan with { MixEvenly = true } : null;
    }

    // A track that is declared, and has not one packet, is none; the next best may be the real one.
    private async Task<DecodePlan?> WithoutEmptyTracksAsync(DecodePlan plan, DecodeRun run, MediaInfo info, CancellationToken cancellationToken)
    {
        if (plan.Video is { Duration: null } video && run.Frames.Length == 0 && !await _probe.HasPacketsAsync(plan.Item.Path, video.Index, cancellationToken))
        {
            return plan with { Video = After(info.Video, video) };
        }

        return plan.Audio is { Duration: null } audio && run.Samples.Length == 0 && !await _probe.HasPacketsAsync(plan.Item.Path, audio.Index, cancellationToken)
            ? plan with { Audio = After(info.Audio, audio), MixEvenly = false, SoundInPieces = false }
            : null;
    }

    private static T? After<T>(IReadOnlyList<T> streams, T stream)
        where T : class => streams.SkipWhile(other => !ReferenceEquals(other, stream)).Skip(1).FirstOrDefault();

    private DecodeOutcome Nothing(MediaInfo info)
    {
        var found = info.Video.Count + info.Audio.Count == 0 ? "neither video nor audio" : options.WantsVideo ? "audio alone" : "video alone";
        return DecodeOutcome.Failed(FailureStages.Probe, options.WantsVideo ? FailureReasons.NoVideo : FailureReasons.NoAudio, $"the file holds {found}");
    }

    private DecodeOutcome Judge(DecodePlan plan, DecodeRun run, MediaInfo info)
    {
        var warnings = Warnings(plan, run, info).ToList();
        var failure = Failure(plan, run, info);
        if (failure is { Reason: FailureReasons.Truncated } && (info.EstimatesDuration || run.Log.EstimatesDuration) && run.Log.ErrorCount == 0)
        {
            // Nothing declares how long it is: the clock jumps, or the bit rate varies. All that is there was decoded.
            warnings.Add($"its duration is an estimate, and not met: {failure.Detail}");
            failure = TooShort(run);
        }

        return Outcome(run, failure, warnings);
    }

    private static DecodeOutcome Outcome(DecodeRun run, ItemFailure? failure, IReadOnlyList<string> warnings)
    {
        if (failure is not null)
        {
            run.Dispose();
            return new DecodeOutcome(null, failure);
        }

        var (width, height) = run.Frames.Length > 0 ? run.FrameSize : (0, 0);
        return new DecodeOutcome(new DecodedMedia(run.Frames, run.Samples) { Width = width, Height = height, Warnings = warnings }, null);
    }

    private ItemFailure? Failure(DecodePlan plan, DecodeRun run, MediaInfo info)
    {
        var said = run.Log.Errors.Count > 0 ? string.Join("; ", run.Log.Errors.Take(3)) : $"ffmpeg's exit code is {run.ExitCode}";
        if (!run.IsWhole)
        {
            var reason = FailureClassifier.IsTransient(run.Log.Errors) ? FailureReasons.Io : FailureReasons.Corrupt;
            return new ItemFailure(FailureStages.Decode, reason, said);
        }

        if (plan.Video is not null && run.Frames.Length == 0)
        {
            return new ItemFailure(FailureStages.Decode, FailureReasons.NoFrames, $"the video stream decodes to no frame ({said})");
        }

        var (video, audio) = (plan.Video?.Duration, plan.Audio?.Duration);
        if (video is null && audio is null && Math.Max(run.FrameSeconds, run.SampleSeconds) < options.CompleteRatio * Wanted(plan.Item, info.Duration))
        {
            // Only the container declares a duration, which is its longest stream's.
            (video, audio) = (plan.Video is null ? null : info.Duration, plan.Audio is null ? null : info.Duration);
        }

        if (IsShort(run, plan.Item, video, audio))
        {
            var detail = FormattableString.Invariant(
                $"decoded {run.FrameSeconds:F2} s of video and {run.SampleSeconds:F2} s of audio, declared {Wanted(plan.Item, video):F2} s and {Wanted(plan.Item, audio):F2} s");
            return new ItemFailure(FailureStages.Decode, FailureReasons.Truncated, run.Log.ErrorCount > 0 ? $"{detail}: {said}" : detail);
        }

        return TooShort(run);
    }

    // What a run that succeeded still has to say: streams passed over, errors the decoder concealed.
    private static IEnumerable<string> Warnings(DecodePlan plan, DecodeRun run, MediaInfo info)
    {
        if (plan.Video is not null && info.Video.Count > 1)
        {
            yield return Choice("video", info.Video.Select(static stream => stream.Index), plan.Video.Index);
        }

        if (plan.Audio is not null && info.Audio.Count > 1)
        {
            yield return Choice("audio", info.Audio.Select(static stream => stream.Index), plan.Audio.Index);
        }

        if (plan is { MixEvenly: true, Audio: { } audio })
        {
            yield return $"its {audio.Channels} channels ({audio.Layout}) cannot be mixed by their places: all count the same";
        }

        if (run.Log.ErrorCount > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"the decoder concealed {run.Log.ErrorCount} errors: {string.Join("; ", run.Log.Errors.Take(3))}");
        }

        static string Choice(string kind, IEnumerable<int> streams, int taken)
        {
            var all = streams.Order().ToList();
            return $"{all.Count} {kind} streams ({string.Join(", ", all)}): stream {taken} was taken";
        }
    }

    private ItemFailure? TooShort(DecodeRun run)
    {
        // A frame alone is no video, however long the sound is beside it.
        var seconds = run.FrameSeconds > 0 ? run.FrameSeconds : run.SampleSeconds;
        return seconds < options.MinClip
            ? new ItemFailure(FailureStages.Decode, FailureReasons.TooShort, FormattableString.Invariant($"{seconds:F3} s; at least {options.MinClip} s are needed"))
            : null;
    }

    private bool IsShort(DecodeRun run, SourceItem item, double? declaredVideo, double? declaredAudio)
    {
        // Half a frame of slack: the last frame of a short source is rounded away.
        var slack = 0.5 / options.Fps;
        return run.FrameSeconds + slack < options.CompleteRatio * Wanted(item, declaredVideo)
            || run.SampleSeconds + slack < options.CompleteRatio * Wanted(item, declaredAudio);
    }

    /// <summary>Seconds a source of that duration should give, its stretch considered; 0 where nothing is declared.</summary>
    private static double Wanted(SourceItem item, double? declared)
    {
        var start = item.Start ?? 0;
        var stretch = item.End is { } end ? end - start : double.MaxValue;
        return declared is { } seconds ? Math.Max(0, Math.Min(seconds - start, stretch)) : 0;
    }
}
