using System.Globalization;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>What the journal has to know of a run to tell what a step costs.</summary>
/// <param name="FlopPerSample">Matrix work of one sample's forward and backward, FLOP.</param>
/// <param name="PeakFlops">Measured peak of matrix work, FLOP per second.</param>
/// <param name="OnDevice">Whether a GPU computes it.</param>
/// <param name="Planted">The delay planted into the step itself, which passes before the next batch is looked for.</param>
internal sealed record StepCost(double FlopPerSample, double PeakFlops, bool OnDevice, TimeSpan Planted);

/// <summary>
/// What a run records as it goes: metrics, TensorBoard events, pictures, and what its observer is shown. Steps are timed, and their scalars stay on the device until
/// <see cref="Flush"/>, so that no step waits for the host. Scalars are means over ranks, counts are of all ranks, times are rank 0's, and rank 0 writes.
/// On a full disk, if the run is to go on, lines wait in memory and events are left out.
/// </summary>
internal sealed class RunJournal(
    RunFolder run, PretrainConfig config, ClipFeed feed, long endStep, FeedState position, StepCost cost, RankGroup ranks, ITrainingObserver observer, TimeProvider time) : IDisposable
{
    private readonly MetricsLog? _metrics = ranks.IsFirst ? MetricsLog.Open(run.Metrics, position.StartStep) : null;
    private readonly TensorBoardLog? _events = ranks.IsFirst && config.Train.Tensorboard ? new TensorBoardLog(run.Events, config, time) : null;
    private readonly TrainingMeter _meter = new();
    private readonly RunHealth _health = new(config);
    private readonly List<Pending> _pending = [];
    private string _told = RunHealth.Early;
    private long _began, _asked, _arrived;
    private TimeSpan _planted;
    private bool _waits;

    /// <summary>The last flushed step.</summary>
    public StepMetrics? Last { get; private set; }

    /// <summary>Checkpoints that a full disk has cost since this start.</summary>
    public long CheckpointsMissed { get; set; }

    /// <summary>The first batch is asked for.</summary>
    public void Begin() => _began = _asked = time.GetTimestamp();

    /// <summary>The next batch is asked for: logs and checkpoints before it are not what the step waits for data.</summary>
    public void BatchAsked() => (_asked, _planted) = (time.GetTimestamp(), cost.Planted);

    public void BatchArrived() => _arrived = time.GetTimestamp();

    public void StepDone(HostBatch batch, in StepSchedule values, StepScalars scalars)
    {
        var now = time.GetTimestamp();
        var waited = time.GetElapsedTime(_asked, _arrived) - _planted;
        _pending.Add(new Pending(batch.Step + 1, batch.Epoch, batch.Size, [.. batch.ClipIds], values, scalars,
            time.GetUtcNow().ToUnixTimeMilliseconds(), time.GetElapsedTime(_began, now), waited > TimeSpan.Zero ? waited : TimeSpan.Zero,
            LiveTensors.Count, Environment.WorkingSet, position.SkippedHere));
        _began = now;
    }

    /// <summary>Every so many steps, a picture of what is masked and reconstructed, of rank 0's first clip.</summary>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop.</exception>
    public void Picture(long step, XkdModel model, XkdInput input)
    {
        if (_events is not null && config.Train.ImagesEvery > 0 && step % config.Train.ImagesEvery == 0)
        {
            using var scope = NewDisposeScope();
            Guard(step, () => _events.Append(step, MaskedReconstruction.Of(model, input.Video[0].narrow(0, 0, 1), input.Audio[0].narrow(0, 0, 1), (ulong)config.Seed)));
        }
    }

    /// <summary>Reads the scalars of the steps since the last call, writes them to the logs and shows them.</summary>
    /// <exception cref="FailureException">A term is not finite on some rank: names term, step, rank and clips; thrown on all ranks.</exception>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop.</exception>
    public void Flush()
    {
        if (_pending.Count == 0)
        {
            return;
        }

        var own = StepScalars.Read([.. _pending.Select(step => step.Scalars)]);
        var all = ranks.All(new Reported([.. own.Select(values => values.Values.ToArray())], [.. _pending.Select(step => step.Skipped)])); // names are the same on all
        var steps = _pending.Select((step, i) => ToMetrics(step, own[i].Keys.Index().Select(name => (name.Item, all.Average(rank => rank.Values[i][name.Index]))), all.Sum(rank => rank.Skipped[i]))).ToArray();
        Last = steps[^1];
        if (ranks.IsFirst)
        {
            Guard(Last.Step, () =>
            {
                _metrics!.Append(steps);
                _events?.Append(steps);
            });
            observer.Steps(steps, endStep);
            var report = feed.Report();
            observer.Feed(report);
            _meter.Record(steps, report);
            Judge(steps);
        }

        foreach (var (i, step) in _pending.Index())
        {
            RequireFinite(step, [.. all.Select(rank => step.Scalars.FirstNonFinite(rank.Values[i]))]);
        }

        _pending.ForEach(step => step.Scalars.Dispose());
        _pending.Clear();
    }

    /// <summary>Writes what the run's numbers say of it; of rank 0. A disk that has no room for it has room for nothing else soon, and then the run says so.</summary>
    public void WriteVerdict()
    {
        try
        {
            _health.Judge(feed.Report().Remedy).Write(run.Verdict);
        }
        catch (IOException e) when (FullDiskException.IsCause(e))
        {
            observer.Note($"{run.Verdict} cannot be written: {e.Message}");
        }
    }

    /// <summary>Writes the lines that wait.</summary>
    /// <exception cref="FullDiskException">There is no room.</exception>
    public void FlushLines() => _metrics?.Flush();

    public void Dispose()
    {
        _metrics?.Dispose();
        _events?.Dispose();
        _meter.Dispose();
    }

    // Said when it turns, not at every interval.
    private void Judge(IReadOnlyList<StepMetrics> steps)
    {
        foreach (var step in steps)
        {
            _health.Add(step);
        }

        var verdict = _health.Judge();
        observer.Health(verdict);
        if (verdict.State != _told)
        {
            observer.Note($"health: {(verdict.Findings.Count == 0
                ? verdict.Summary
                : string.Join(' ', verdict.Findings.Select(finding => $"{finding.Sentence} {finding.Advice}")))}");
            WriteVerdict(); // a run that is ended by what is not finite writes no checkpoint
            _told = verdict.State;
        }
    }

    private void Guard(long step, Action write)
    {
        try
        {
            write();
            _waits = false;
        }
        catch (FullDiskException e) when (config.Train.OnFullDisk == FullDiskPolicy.Continue)
        {
            if (!_waits)
            {
                observer.Note($"DISK FULL at step {step}: {e.Message} Until there is room, metrics wait in memory and events are left out");
            }

            _waits = true;
        }
    }

    private void RequireFinite(Pending step, string?[] broken)
    {
        // The norm is of the ranks' gradients together: a rank whose own terms are finite has nothing to do with it.
        var rank = Array.FindIndex(broken, term => term is not null and not StepScalars.GradNorm);
        rank = rank >= 0 ? rank : Array.FindIndex(broken, term => term is not null);
        if (rank < 0)
        {
            return;
        }

        var clips = ranks.All(step.ClipIds)[rank];
        var dump = Path.Combine(run.Path, string.Create(CultureInfo.InvariantCulture, $"not-finite-step-{step.Step:D8}.txt"));
        if (ranks.IsFirst)
        {
            File.WriteAllLines(dump, clips);
        }

        ranks.Barrier(); // the first to leave ends the others
        throw new FailureException(
            $"step {step.Step}: {broken[rank]} is not finite{(ranks.Size > 1 ? $" on rank {rank}" : string.Empty)}; the batch's clip ids are in {dump}, earlier checkpoints are kept. "
            + "Lower optim.lr, or continue from the checkpoint with other settings into a new run");
    }

    private StepMetrics ToMetrics(Pending step, IEnumerable<(string Name, double Value)> scalars, long skipped) => new()
    {
        Step = step.Step,
        Epoch = step.Epoch,
        Position = feed.Plan.PositionOf(step.Step - 1) + config.Batch,
        Time = step.Time,
        Scalars = new OrderedDictionary<string, double>(scalars.Select(scalar => KeyValuePair.Create(scalar.Name, scalar.Value)), StringComparer.Ordinal),
        Lr = step.Schedule.LearningRate,
        Wd = step.Schedule.WeightDecay,
        EmaVideo = step.Schedule.VideoEma,
        EmaAudio = step.Schedule.AudioEma,
        Ms = step.Whole.TotalMilliseconds,
        SamplesPerSecond = ranks.Size * step.Size / step.Whole.TotalSeconds,
        DataWait = step.Wait / step.Whole,
        Mfu = step.Size / step.Whole.TotalSeconds * cost.FlopPerSample / cost.PeakFlops,
        Skipped = position.SkippedBefore + skipped,
        CheckpointsMissed = CheckpointsMissed,
        LiveTensors = step.LiveTensors,
        Rss = step.Rss,
        GpuMemory = cost.OnDevice ? CudaDriver.Memory().Used : 0,
    };

    private sealed record Reported(double[][] Values, long[] Skipped);

    private sealed record Pending(
        long Step, int Epoch, int Size, string[] ClipIds, StepSchedule Schedule, StepScalars Scalars,
        long Time, TimeSpan Whole, TimeSpan Wait, long LiveTensors, long Rss, long Skipped);
}
