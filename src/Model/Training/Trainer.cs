using System.Diagnostics;
using System.Text.Json;
using Xkd.Model.Distributed;
using Xkd.Model.Native;
using Xkd.Model.Optimization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>
/// Pre-training: takes batches in the global order, steps, measures, and saves. A run is a pure function of its configuration and cache:
/// stopping at any step and continuing gives the same losses, on a CPU with one thread to the last bit. Several ranks train one model: each takes its
/// share of every batch, and rank 0 writes the run.
/// </summary>
public sealed class Trainer(TrainerOptions options, TimeProvider time, ITrainingObserver observer, RankGroup? ranks = null)
{
    private readonly RankGroup _ranks = ranks ?? RankGroup.Alone();

    /// <summary>Trains until the run's end, <see cref="TrainerOptions.MaxSteps"/>, or a stop; always leaves a checkpoint of the last step.</summary>
    /// <exception cref="UsageException">The configuration, cache and run folder do not go together; nothing was changed.</exception>
    /// <exception cref="FailureException">
    /// Another process trains into the folder, a loss or a parameter is not finite, data is damaged, or the disk refused; the last good checkpoint stays.
    /// </exception>
    public Task<TrainResult> RunAsync(CancellationToken stop) => _ranks.RunAsync(() => OwnThread.RunAsync(() => Train(stop)));

    /// <summary>Cancels after a time. A timer waits 49 days at most: for what is longer it looks every hour.</summary>
    private ITimer Clock(TimeSpan most, CancellationTokenSource limit)
    {
        TimeSpan often = TimeSpan.FromHours(1);
        long began = time.GetTimestamp();
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

    private TrainResult Train(CancellationToken stop)
    {
        using RunLock writer = new(options.Out);
        using TrainingSession session = TrainingSession.Open(options, writer, time, observer, _ranks);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using ITimer? clock = options.MaxTime is TimeSpan most ? Clock(most, limit) : null;

        StepRecorder recorder = new(session, time, observer, _ranks);
        long step = session.StartStep;
        recorder.BeginStep();
        // A stop is looked at between steps, not in the middle of a read.
        foreach (HostBatch batch in session.Feed.ReadAsync(step, session.EndStep, session.TailUsed, CancellationToken.None).ToBlockingEnumerable(CancellationToken.None))
        {
            using (batch)
            {
                recorder.BatchArrived();
                session.Account(batch, observer);
                StepSchedule schedule = session.Schedule.At(step);
                using XkdInputTensors input = session.ToDevice(batch);
                recorder.StepDone(batch, schedule, session.Train(input, schedule));
                session.Picture(step + 1, input.Value);
            }

            step++;
            bool last = step >= session.EndStep || _ranks.Any(limit.IsCancellationRequested); // a stop asked of one rank stops all at this step
            if (last || step % options.Config.Train.LogEvery == 0)
            {
                recorder.Flush();
            }

            if (last || step % options.Config.Train.CheckpointEvery == 0)
            {
                recorder.Flush(); // a checkpoint is of finite losses only
                session.Compare(step); // and of one model
                session.Save(step, last);
            }
            else if (options.Config.Train.CompareEvery > 0 && step % options.Config.Train.CompareEvery == 0)
            {
                session.Compare(step);
            }

            if (last)
            {
                break;
            }

            recorder.BatchAsked();
        }

        if (options.Profile && _ranks.IsFirst)
        {
            GraphReport feed = session.Feed.Report();
            File.WriteAllText(Path.Combine(session.Run.Path, "profile.json"), JsonSerializer.Serialize(feed));
            GraphProfile.Write(session.Run.Path, $"XKD profile: {session.Run.Path}", feed, ["The consumer is the training step."], session.Feed.WriteTrace);
        }

        using Process self = Process.GetCurrentProcess();
        return new TrainResult(step, session.Schedule.Steps, Stopped: step < session.EndStep, recorder.Last, self.PeakWorkingSet64, session.Feed.Report())
        {
            CheckpointsMissed = session.CheckpointsMissed,
        };
    }
}
