using System.Globalization;
using Xkd.Model.Distributed;
using Xkd.Model.Native;
using Xkd.Model.Optimization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>
/// Times the steps and keeps their losses on the device until <see cref="Flush"/>, so that no step waits for the host. Losses are means over ranks, counts are
/// of all ranks, and times are rank 0's.
/// </summary>
internal sealed class StepRecorder(TrainingSession session, TimeProvider time, ITrainingObserver observer, RankGroup ranks)
{
    private readonly List<Pending> _pending = [];
    private long _began, _asked, _arrived;
    private TimeSpan _planted;

    /// <summary>The last flushed step.</summary>
    public StepMetrics? Last { get; private set; }

    public void BeginStep() => _began = _asked = time.GetTimestamp();

    /// <summary>The next batch is asked for: logs and checkpoints before it are not what the step waits for data.</summary>
    public void BatchAsked()
    {
        _asked = time.GetTimestamp();
        _planted = session.ConsumerDelay; // passes before the next batch is looked for, and is the step's own
    }

    public void BatchArrived() => _arrived = time.GetTimestamp();

    public void StepDone(HostBatch batch, in StepSchedule schedule, XkdLosses losses)
    {
        long now = time.GetTimestamp();
        _pending.Add(new Pending(batch.Step + 1, batch.Epoch, session.PositionAfter(batch.Step), batch.Size, [.. batch.ClipIds], schedule, losses,
            time.GetElapsedTime(_began, now), Waited(), LiveTensors.Count, Environment.WorkingSet, session.SkippedHere));
        _began = now;
    }

    /// <summary>Reads the losses of the steps since the last call, writes them to the logs and shows them.</summary>
    /// <exception cref="FailureException">A term is not finite on some rank: names term, step, rank and clips; thrown on all ranks.</exception>
    public void Flush()
    {
        if (_pending.Count == 0)
        {
            return;
        }

        IReadOnlyList<XkdLossValues> own = XkdLosses.Read([.. _pending.Select(p => p.Losses)]);
        IReadOnlyList<Told> told = ranks.All(new Told(own, [.. _pending.Select(p => p.Skipped)]));
        StepMetrics[] steps = [.. _pending.Select((p, i) => ToMetrics(p, XkdLossValues.Mean([.. told.Select(t => t.Losses[i])]), told.Sum(t => t.Skipped[i])))];
        Last = steps[^1];
        if (ranks.IsFirst)
        {
            session.Record(steps);
            observer.Steps(steps, session.Schedule.Steps);
            observer.Feed(session.Feed.Report());
        }

        for (int i = 0; i < own.Count; i++)
        {
            RequireFinite(_pending[i], [.. told.Select(t => t.Losses[i].FirstNonFinite)]);
        }

        foreach (Pending p in _pending)
        {
            p.Losses.Dispose();
        }

        _pending.Clear();
    }

    private TimeSpan Waited()
    {
        TimeSpan waited = time.GetElapsedTime(_asked, _arrived) - _planted;
        return waited > TimeSpan.Zero ? waited : TimeSpan.Zero;
    }

    private void RequireFinite(Pending step, string?[] terms)
    {
        // The norm is of the ranks' gradients together: a rank whose own terms are finite has nothing to do with it.
        int rank = Array.FindIndex(terms, term => term is not null and not "grad_norm");
        rank = rank >= 0 ? rank : Array.FindIndex(terms, term => term is not null);
        if (rank < 0)
        {
            return;
        }

        string[] clips = ranks.All(step.ClipIds)[rank];
        string dump = Path.Combine(session.Run.Path, string.Create(CultureInfo.InvariantCulture, $"not-finite-step-{step.Step:D8}.txt"));
        if (ranks.IsFirst)
        {
            File.WriteAllLines(dump, clips);
        }

        ranks.Barrier(); // the first to leave ends the others
        throw new FailureException(
            $"step {step.Step}: {terms[rank]} is not finite{(ranks.Size > 1 ? $" on rank {rank}" : string.Empty)}; the batch's clip ids are in {dump}, earlier checkpoints are kept. Lower optim.lr, or continue from the checkpoint with other settings into a new run");
    }

    private StepMetrics ToMetrics(Pending p, XkdLossValues v, long skipped) => new()
    {
        Step = p.Step,
        Epoch = p.Epoch,
        Position = p.Position,
        Loss = v.Loss,
        ReconVideo = v.ReconVideo,
        ReconAudio = v.ReconAudio,
        KdV2A = v.KdV2A,
        KdA2V = v.KdA2V,
        AlignStudent = v.AlignStudent,
        AlignTeacher = v.AlignTeacher,
        MmdKxx = v.MmdKxx,
        MmdKyy = v.MmdKyy,
        MmdKxy = v.MmdKxy,
        GradNorm = v.GradNorm,
        CenterEntropyVideo = v.CenterEntropyVideo,
        CenterEntropyAudio = v.CenterEntropyAudio,
        TeacherEntropyVideo = v.TeacherEntropyVideo,
        TeacherEntropyAudio = v.TeacherEntropyAudio,
        StdVideo = v.StdVideo,
        StdAudio = v.StdAudio,
        Lr = p.Schedule.LearningRate,
        Wd = p.Schedule.WeightDecay,
        EmaVideo = p.Schedule.VideoEma,
        EmaAudio = p.Schedule.AudioEma,
        Ms = p.Whole.TotalMilliseconds,
        SamplesPerSecond = ranks.Size * p.Size / p.Whole.TotalSeconds,
        DataWait = p.Wait / p.Whole,
        Mfu = p.Size / p.Whole.TotalSeconds * session.FlopPerSample / session.PeakFlops,
        Skipped = session.SkippedBefore + skipped,
        LiveTensors = p.LiveTensors,
        Rss = p.Rss,
        CheckpointsMissed = session.CheckpointsMissed,
        GpuMemory = session.UsedDeviceMemory(),
    };

    private sealed record Told(IReadOnlyList<XkdLossValues> Losses, IReadOnlyList<long> Skipped);

    private sealed record Pending(
        long Step, int Epoch, long Position, int Size, string[] ClipIds, StepSchedule Schedule, XkdLosses Losses, TimeSpan Whole, TimeSpan Wait, long LiveTensors, long Rss, long Skipped);
}
