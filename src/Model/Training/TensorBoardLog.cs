using TorchSharp;
using TorchSharp.Modules;

namespace Xkd.Model.Training;

/// <summary>The run's scalars as TensorBoard events.</summary>
internal sealed class TensorBoardLog(string folder)
{
    private readonly SummaryWriter _writer = torch.utils.tensorboard.SummaryWriter(folder);

    public void Append(IEnumerable<StepMetrics> steps)
    {
        foreach (StepMetrics s in steps)
        {
            foreach ((string tag, double value) in new[]
            {
                ("loss/total", s.Loss), ("loss/recon_video", s.ReconVideo), ("loss/recon_audio", s.ReconAudio), ("loss/kd_v2a", s.KdV2A), ("loss/kd_a2v", s.KdA2V),
                ("loss/align_student", s.AlignStudent), ("loss/align_teacher", s.AlignTeacher), ("mmd/kxx", s.MmdKxx), ("mmd/kyy", s.MmdKyy), ("mmd/kxy", s.MmdKxy),
                ("schedule/lr", s.Lr), ("schedule/wd", s.Wd), ("schedule/ema_video", s.EmaVideo), ("schedule/ema_audio", s.EmaAudio), ("norm/grad", s.GradNorm),
                ("speed/samples_per_s", s.SamplesPerSecond), ("speed/data_wait", s.DataWait), ("speed/mfu", s.Mfu), ("memory/rss", s.Rss), ("memory/live_tensors", s.LiveTensors),
            })
            {
                _writer.add_scalar(tag, (float)value, (int)s.Step);
            }
        }
    }
}
