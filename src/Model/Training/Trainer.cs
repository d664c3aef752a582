using System.Diagnostics;
using System.Text.Json;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// Pre-training: takes batches in the global order, steps, measures, and saves. A run is a pure function of its configuration and cache:
/// stopping at any step and continuing gives the same losses, on a CPU with one thread to the last bit. Several ranks train one model: each takes its
/// share of every batch, and rank 0 writes the run.
/// </summary>
/// <param name="options">What is trained, on what, and how far.</param>
/// <param name="time">The clock.</param>
/// <param name="observer">Sees the run as it goes.</param>
/// <param name="ranks">The processes that train together; null: this one alone.</param>
public sealed class Trainer(TrainerOptions options, TimeProvider time, ITrainingObserver observer, RankGroup? ranks = null)
{
    private readonly RankGroup _ranks = ranks ?? RankGroup.Alone();

    /// <summary>A run of this process alone, by the system's clock.</summary>
    /// <param name="options">What is trained, on what, and how far.</param>
    /// <param name="log">Receives lines for a person, one a log interval and one for each thing that was loaded or saved; null (default): nobody.</param>
    public Trainer(TrainerOptions options, Action<string>? log = null)
        : this(options, TimeProvider.System, new TrainingLog(log))
    {
    }

    /// <summary>Trains until the run's end, <see cref="TrainerOptions.MaxSteps"/>, or a stop; always leaves a checkpoint of the last step.</summary>
    /// <param name="stop">Looked at after each step.</param>
    /// <exception cref="UsageException">The configuration, cache and run folder do not go together; nothing was changed.</exception>
    /// <exception cref="FailureException">
    /// Another process trains into the folder, a loss or a parameter is not finite, data is damaged, or the disk refused; the last good checkpoint stays.
    /// </exception>
    public Task<TrainResult> RunAsync(CancellationToken stop = default) => _ranks.RunAsync(() => OwnThread.RunAsync(() => Train(stop)));

    private TrainResult Train(CancellationToken stop)
    {
        using var writer = new RunLock(options.Out);
        using var parts = TrainerParts.Open(options, writer, time, observer, _ranks);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var clock = options.MaxTime is { } most ? Clock(most, limit) : null;
        var (config, feed, step, journal, state) = (options.Config.Train, parts.Feed, parts.Step, parts.Journal, parts.State);
        var done = state.StartStep;
        journal.Begin();

        // A stop is looked at between steps, not in the middle of a read.
        foreach (var batch in feed.ReadAsync(done, parts.EndStep, state.TailUsed, CancellationToken.None).ToBlockingEnumerable(CancellationToken.None))
        {
            try
            {
                journal.BatchArrived();
                state.Account(batch, observer);
                using var scope = NewDisposeScope();
                var input = parts.Host.Take(batch);
                var schedule = parts.Schedule.At(done);
                journal.StepDone(batch, schedule, step.Run(input.Split(config.Accumulate), schedule));
                journal.Picture(++done, step.Model, input);
                if (done == state.StartStep + 1 && parts.Host.Complaint is { } complaint)
                {
                    observer.Note(complaint);
                }
            }
            finally
            {
                parts.Host.Return(batch);
            }

            var last = done >= parts.EndStep || _ranks.Any(limit.IsCancellationRequested); // a stop asked of one rank stops all at this step
            var saves = last || done % config.CheckpointEvery == 0;
            if (saves || done % config.LogEvery == 0)
            {
                journal.Flush(); // a checkpoint is of finite losses only
                parts.Mlflow?.Wake();
            }

            if (_ranks.Size > 1 && (saves || (config.CompareEvery > 0 && done % config.CompareEvery == 0)))
            {
                ReplicaCheck.Require(_ranks, done, step.ExportState()); // and of one model
            }

            if (saves)
            {
                Save(parts, done, last);
            }

            if (last)
            {
                break;
            }

            journal.BatchAsked();
        }

        WriteProfile(parts);
        parts.Mlflow?.End(done < parts.EndStep ? "KILLED" : "FINISHED");
        using var self = Process.GetCurrentProcess();
        return new TrainResult(done, parts.Schedule.Steps, Stopped: done < parts.EndStep, journal.Last, self.PeakWorkingSet64, feed.Report()) { CheckpointsMissed = journal.CheckpointsMissed };
    }

    // Of all ranks, for each knows a part of where the run stands; rank 0 writes.
    private void Save(TrainerParts parts, long done, bool last)
    {
        var all = _ranks.All(new Part(parts.State.TailUsed, parts.State.SkippedHere));
        if (_ranks.IsFirst)
        {
            var position = new RunPosition(done, [.. all.SelectMany(part => part.TailUsed).Distinct().Order()], parts.State.SkippedBefore + all.Sum(part => part.Skipped));
            parts.Checkpoints.Save(position, last, parts.Journal);
            parts.Journal.WriteVerdict();
        }

        // A step leaves so little behind that the oldest generation is hardly ever looked at, and memory would creep for hours.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    private void WriteProfile(TrainerParts parts)
    {
        if (options.Profile && _ranks.IsFirst)
        {
            var report = parts.Feed.Report();
            File.WriteAllText(Path.Combine(options.Out, "profile.json"), JsonSerializer.Serialize(report));
            GraphProfile.Write(options.Out, $"XKD profile: {options.Out}", report, ["The consumer is the training step."], parts.Feed.WriteTrace);
        }
    }

    /// <summary>Cancels after a time. A timer waits 49 days at most: for what is longer it looks every hour.</summary>
    private ITimer Clock(TimeSpan most, CancellationTokenSource limit)
    {
        var often = TimeSpan.FromHours(1);
        var began = time.GetTimestamp();
        return most.TotalMilliseconds < uint.MaxValue - 1
            ? time.CreateTimer(_ => limit.Cancel(), null, most, Timeout.InfiniteTimeSpan)
            : time.CreateTimer(
                _ =>
                {
                    if (time.GetElapsedTime(began) >= most)
                    {
                        limit.Cancel();
                    }
                },
                null, often, often);
    }

    private sealed record Part(IReadOnlyList<int> TailUsed, long Skipped);
}
