using TorchSharp;
using Xkd.Model.Configuration;
using Xkd.Model.Evaluation;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// What a run writes as it goes: metrics, TensorBoard events, pictures. On a full disk, if the run is to go on, lines wait in memory and events are left
/// out.
/// </summary>
internal sealed class RunLogs(RunFolder run, PretrainConfig config, long startStep, ITrainingObserver observer) : IDisposable
{
    private readonly MetricsLog _metrics = MetricsLog.Open(run.Metrics, startStep);
    private readonly TensorBoardLog? _events = config.Train.Tensorboard ? new TensorBoardLog(run.Events) : null;
    private bool _wait;

    /// <exception cref="FullDiskException">There is no room, and the run is to stop.</exception>
    public void Record(IReadOnlyList<StepMetrics> steps) => Guard(steps[^1].Step, () =>
    {
        _metrics.Append(steps);
        _events?.Append(steps);
    });

    /// <summary>Every so many steps, a picture of what is masked and reconstructed, of the batch's first clip.</summary>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop.</exception>
    public void Picture(long step, XkdModel model, XkdInput input)
    {
        if (_events is not null && config.Train.ImagesEvery > 0 && step % config.Train.ImagesEvery == 0)
        {
            using DisposeScope scope = NewDisposeScope();
            Guard(step, () => _events.Append(step, MaskedReconstruction.Of(model, input.Video[0].narrow(0, 0, 1), input.Audio[0].narrow(0, 0, 1), (ulong)config.Seed)));
        }
    }

    /// <summary>Writes the lines that wait.</summary>
    /// <exception cref="FullDiskException">There is no room.</exception>
    public void Flush() => _metrics.Flush();

    public void Dispose() => _metrics.Dispose();

    private void Guard(long step, Action write)
    {
        try
        {
            write();
            _wait = false;
        }
        catch (FullDiskException e) when (config.Train.OnFullDisk == FullDiskPolicy.Continue)
        {
            if (!_wait)
            {
                observer.Note($"DISK FULL at step {step}: {e.Message} Until there is room, metrics wait in memory and events are left out");
            }

            _wait = true;
        }
    }
}
