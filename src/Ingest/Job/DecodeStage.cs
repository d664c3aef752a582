using Polly;
using Polly.Retry;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>The decode stage: tries again what may be transient, then applies the policy for what is missing.</summary>
internal sealed class DecodeStage
{
    // One text for all: of AudioSet's two million, half a million are gone.
    private static readonly ItemFailure ListedButAbsent = new(FailureStages.Catalog, FailureReasons.Absent, "the annotations list it, but it has no file");

    private readonly IMediaDecoder _decoder;
    private readonly DecodeOptions _options;
    private readonly MissingPolicy _onMissing;
    private readonly double _maxClip;
    private readonly EnvironmentGuard _guard;
    private readonly StretchProbe _stretches;
    private readonly ResiliencePipeline<DecodeOutcome> _retry;

    public DecodeStage(IMediaDecoder decoder, DecodeOptions options, MissingPolicy onMissing, double maxClip, EnvironmentGuard guard, StretchProbe stretches, TimeProvider time)
    {
        _decoder = decoder;
        _options = options;
        _onMissing = onMissing;
        _maxClip = maxClip;
        _guard = guard;
        _stretches = stretches;

        // Only a file system's hiccups: a file that is broken stays broken.
        _retry = new ResiliencePipelineBuilder<DecodeOutcome> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<DecodeOutcome>
            {
                ShouldHandle = static attempt => ValueTask.FromResult(attempt.Outcome.Result.Failure?.Reason == FailureReasons.Io),
                MaxRetryAttempts = 2,
                Delay = TimeSpan.FromSeconds(1),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .Build();
    }

    public async ValueTask<DecodedItem> RunAsync(PendingItem pending, CancellationToken cancellationToken)
    {
        var first = await RunAsync(pending.Source, pending.EarlierAttempts, cancellationToken);
        var item = first;
        var failed = new List<string>();
        foreach (var other in pending.Source.Alternatives.TakeWhile(_ => item.Failed))
        {
            failed.Add($"{item.Source.Path}: {item.Failure!.Stage}/{item.Failure.Reason}: {item.Failure.Detail}");
            item = await RunAsync(other, item.Attempts, cancellationToken);
        }

        return failed.Count == 0 ? item
            : !item.Failed ? item with { Warnings = [$"decoded from {item.Source.Path}, as what goes before it failed ({string.Join("; ", failed)})"] }
            : first with { Attempts = item.Attempts, Failure = first.Failure! with { Detail = $"{first.Failure.Detail}; so does each other file of the clip, the last {item.Source.Path}: {item.Failure!.Detail}" } };
    }

    private async ValueTask<DecodedItem> RunAsync(SourceItem item, int attempts, CancellationToken cancellationToken)
    {
        if ((item.IsAbsent ? ListedButAbsent : item.Flaw) is { } known)
        {
            // The catalog looked: neither worth another look, nor a sign that the environment is broken, however many there are in a row.
            return new DecodedItem(item, attempts + 1) { Failure = known };
        }

        // Of a file that is written while it is read, this is its state before: the next run finds it changed.
        var stamp = FileStamp.Of(item.Path);
        var tries = 0;
        var (source, unprobed) = await ResolveAsync(item, cancellationToken);
        var outcome = unprobed is not null ? new DecodeOutcome(null, unprobed) : await _retry.ExecuteAsync(
            async token =>
            {
                tries++;
                return await TryAsync(source, token);
            },
            cancellationToken);
        var failure = outcome.Failure ?? TryMissing(source, outcome.Media!);
        if (failure is not null)
        {
            outcome.Media?.Dispose();
        }

        _guard.Observe(failure, source.Path);
        return new DecodedItem(source, attempts + Math.Max(1, tries)) { Media = failure is null ? outcome.Media : null, Failure = failure, Stamp = stamp };
    }

    private async ValueTask<(SourceItem Source, ItemFailure? Failure)> ResolveAsync(SourceItem source, CancellationToken cancellationToken)
    {
        try
        {
            return await _stretches.ResolveAsync(source, cancellationToken);
        }
        catch (Exception exception) when (ItemFault.Is(exception))
        {
            return (source, ToFailure(source, exception));
        }
    }

    private async ValueTask<DecodeOutcome> TryAsync(SourceItem source, CancellationToken cancellationToken)
    {
        try
        {
            return await _decoder.DecodeAsync(source, cancellationToken);
        }
        catch (Exception exception) when (ItemFault.Is(exception))
        {
            return new DecodeOutcome(null, ToFailure(source, exception));
        }
    }

    private ItemFailure? TryMissing(SourceItem source, DecodedMedia media)
    {
        try
        {
            return Missing(media);
        }
        catch (Exception exception) when (ItemFault.Is(exception))
        {
            media.Dispose(); // a full disk ends the run here
            return ToFailure(source, exception);
        }
    }

    // Whatever a file does to the code that reads it, it does to its own item. The guard sees to it that not all end so.
    private static ItemFailure ToFailure(SourceItem source, Exception exception) => exception switch
    {
        IOException full when DiskFull.Is(full) =>
            throw new FailureException($"the disk is full while {source.Id} was decoded; free space, then run the same command again: what is committed is kept.", full),
        IOException => new ItemFailure(FailureStages.Decode, FailureReasons.Io, exception.Message),
        _ => new ItemFailure(FailureStages.Decode, FailureReasons.Corrupt, $"{exception.GetType().Name}: {exception.Message}") { Unexpected = true },
    };

    private ItemFailure? Missing(DecodedMedia media)
    {
        var noVideo = _options.WantsVideo && media.NumFrames == 0;
        var noAudio = _options.WantsAudio && media.NumSamples == 0;
        if (noVideo && noAudio)
        {
            return new ItemFailure(FailureStages.Decode, FailureReasons.NoFrames, "neither frames nor samples came out");
        }

        if ((noVideo || noAudio) && _onMissing == MissingPolicy.Drop)
        {
            return noVideo
                ? new ItemFailure(FailureStages.Probe, FailureReasons.NoVideo, "no video stream; --on-missing pad or keep accepts it")
                : new ItemFailure(FailureStages.Probe, FailureReasons.NoAudio, "no audio stream; --on-missing pad or keep accepts it");
        }

        if (_onMissing == MissingPolicy.Pad && noVideo)
        {
            media.AddBlackFrames(_options.ShortSide, (int)Math.Max(1, Math.Round((double)media.NumSamples / _options.SampleRate * _options.Fps)));
        }

        if (_onMissing == MissingPolicy.Pad && noAudio)
        {
            media.AddSilence((long)Math.Round(media.NumFrames / _options.Fps * _options.SampleRate));
        }

        if (_onMissing == MissingPolicy.Pad && media is { NumFrames: > 0, NumSamples: > 0 })
        {
            // One of the two may end segments before the other does.
            var (frames, samples) = ClipSegment.Filled(media.NumFrames, _options.Fps, media.NumSamples, _options.SampleRate, _maxClip);
            media.Lengthen(frames, samples, _options.Fps, _options.SampleRate);
        }

        return null;
    }
}
