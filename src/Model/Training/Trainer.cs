using System.Diagnostics;
using System.Text.Json;
using Xkd.Model.Optimization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>
/// Pre-training: takes batches in the global order, steps, measures, and saves. A run is a pure function of its configuration and cache:
/// stopping at any step and continuing gives the same losses, on a CPU with one thread to the last bit.
/// </summary>
public sealed class Trainer(TrainerOptions options, TimeProvider time, ITrainingObserver observer)
{
    /// <summary>Trains until the run's end, <see cref="TrainerOptions.MaxSteps"/>, or a stop; always leaves a checkpoint of the last step.</summary>
    /// <exception cref="UsageException">The configuration, cache and run folder do not go together; nothing was changed.</exception>
    /// <exception cref="FailureException">A loss is not finite, data is damaged, or the disk refused; the last good checkpoint stays.</exception>
    public async Task<TrainResult> RunAsync(CancellationToken stop)
    {
        TrainingSession session = TrainingSession.Open(options, time, observer);
        await using (session.ConfigureAwait(false))
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            using ITimer? clock = options.MaxTime is TimeSpan t ? time.CreateTimer(_ => limit.Cancel(), null, t, Timeout.InfiniteTimeSpan) : null;

            StepRecorder recorder = new(session, time, observer);
            long step = session.StartStep;
            recorder.BeginStep();
            // A stop is looked at between steps, not in the middle of a read.
            await foreach (HostBatch batch in session.Feed.ReadAsync(step, session.EndStep, session.TailUsed, CancellationToken.None).ConfigureAwait(false))
            {
                using (batch)
                {
                    recorder.BatchArrived();
                    session.Account(batch, observer);
                    StepSchedule schedule = session.Schedule.At(step);
                    using XkdInputTensors input = session.ToDevice(batch);
                    recorder.StepDone(batch, schedule, session.Step.Run(input.Value, schedule));
                    session.Picture(step + 1, input.Value);
                }

                step++;
                bool last = step >= session.EndStep || limit.IsCancellationRequested;
                if (last || step % options.Config.Train.LogEvery == 0)
                {
                    recorder.Flush();
                }

                if (last || step % options.Config.Train.CheckpointEvery == 0)
                {
                    recorder.Flush(); // a checkpoint is of finite losses only
                    session.Save(step, last);
                }

                if (last)
                {
                    break;
                }

                recorder.BatchAsked();
            }

            if (options.Profile)
            {
                GraphReport feed = session.Feed.Report();
                await File.WriteAllTextAsync(Path.Combine(session.Run.Path, "profile.json"), JsonSerializer.Serialize(feed), CancellationToken.None).ConfigureAwait(false);
                GraphProfile.Write(session.Run.Path, $"XKD profile: {session.Run.Path}", feed, ["The consumer is the training step."], session.Feed.WriteTrace);
            }

            using Process self = Process.GetCurrentProcess();
            return new TrainResult(step, session.Schedule.Steps, Stopped: step < session.EndStep, recorder.Last, self.PeakWorkingSet64, session.Feed.Report())
            {
                CheckpointsMissed = session.CheckpointsMissed,
            };
        }
    }
}
