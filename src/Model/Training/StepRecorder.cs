using System.Globalization;
using Xkd.Model.Optimization;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// Times the steps and keeps their losses on the device until <see cref="Flush"/>, so that no step waits for the host.
/// </summary>
internal sealed class StepRecorder(TrainingSession session, TimeProvider time, ITrainingObserver observer)
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
        _pending.Add(new Pending(batch.Step + 1, batch.Epoch, batch.Position + batch.Size, batch.Size, [.. batch.ClipIds], schedule, losses,
            time.GetElapsedTime(_began, now), Waited(), Tensor.TotalCount, session.Skipped));
        _began = now;
    }

    /// <summary>Reads the losses of the steps since the last call, writes them to the logs and shows them.</summary>
    /// <exception cref="FailureException">A term is not finite: names term, step and clips.</exception>
    public void Flush()
    {
        if (_pending.Count == 0)
        {
            return;
        }

        IReadOnlyList<XkdLossValues> values = XkdLosses.Read([.. _pending.Select(p => p.Losses)]);
        StepMetrics[] steps = [.. _pending.Zip(values, ToMetrics)];
        session.Record(steps);
        Last = steps[^1];
        observer.Steps(steps, session.Schedule.Steps);
        observer.Feed(session.Feed.Report());
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i].FirstNonFinite is string term)
            {
                throw NotFinite(_pending[i], term);
            }
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

    private FailureException NotFinite(Pending step, string term)
    {
        string dump = Path.Combine(session.Run.Path, string.Create(CultureInfo.InvariantCulture, $"not-finite-step-{step.Step:D8}.txt"));
        File.WriteAllLines(dump, step.ClipIds);
        return new FailureException(
            $"step {step.Step}: {term} is not finite; the batch's clip ids are in {dump}, earlier checkpoints are kept. Lower optim.lr, or continue from the checkpoint with other settings into a new run");
    }

    private StepMetrics ToMetrics(Pending p, XkdLossValues v) => new()
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
        SamplesPerSecond = p.Size / p.Whole.TotalSeconds,
        DataWait = p.Wait / p.Whole,
        Mfu = p.Size / p.Whole.TotalSeconds * session.FlopPerSample / session.PeakFlops,
        Skipped = p.Skipped,
        LiveTensors = p.LiveTensors,
        Rss = Environment.WorkingSet,
        CheckpointsMissed = session.CheckpointsMissed,
        GpuMemory = session.UsedDeviceMemory(),
    };

    private sealed record Pending(
        long Step, int Epoch, long Position, int Size, string[] ClipIds, StepSchedule Schedule, XkdLosses Losses, TimeSpan Whole, TimeSpan Wait, long LiveTensors, long Skipped);
}
