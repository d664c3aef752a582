using System.Diagnostics;
using TorchSharp;
using Xkd.Model.Configuration;
using Xkd.Model.Native;
using Xkd.Model.Optimization;
using Xkd.Model.Training;
using static TorchSharp.torch;

namespace Xkd.Model.Profiling;

/// <summary>Runs the training step by itself on random input and times its phases.</summary>
public sealed class StepProfiler(PretrainConfig config, Device device, TimeProvider time)
{
    private const int Warm = 2, Steps = 8;
    private const long StepsPerEpoch = 100;

    /// <summary>Measures at one batch size.</summary>
    public StepProfile Run(int batch, CancellationToken stop)
    {
        Devices.SetThreads(config.Train.Threads);
        using XkdModel model = new(config, (ulong)config.Seed, device);
        using XkdStep step = new(model);
        TrainingSchedule schedule = new(config, StepsPerEpoch);
        double peak = MatmulPeak.Measure(device, step.ProductType, time);
        using DisposeScope scope = NewDisposeScope();
        XkdInput input = Random(batch);
        PhaseClock? clock = null;
        for (int i = 0; i < Warm + Steps; i++)
        {
            stop.ThrowIfCancellationRequested();
            step.Observer = clock = i == Warm ? new PhaseClock(device, time) : clock;
            clock?.Begin();
            using StepScalars scalars = step.Run(input, schedule.At(i));
            clock?.End();
        }

        using Process self = Process.GetCurrentProcess();
        return new StepProfile
        {
            Device = device.ToString(),
            Threads = get_num_threads(),
            Batch = batch,
            ForwardMs = clock!.Mean(PhaseClock.Forward),
            BackwardMs = clock.Mean(PhaseClock.Backward),
            OptimizerMs = clock.Mean(PhaseClock.Optimizer),
            GflopPerSample = ModelCost.Of(config).FlopPerSample / 1e9,
            MatmulTflops = peak / 1e12,
            MatmulType = step.ProductType.ToString().ToLowerInvariant(),
            PeakMemory = device.type == DeviceType.CUDA ? CudaDriver.UsedBytes() : self.PeakWorkingSet64,
            Report = clock.Report(),
            WriteTrace = clock.WriteTrace,
        };
    }

    private XkdInput Random(int batch)
    {
        DataSection d = config.Data;
        Tensor[] video = [Normal(batch, 3, d.GlobalFrames, d.GlobalSize, d.GlobalSize), .. Repeat(d.LocalVideoViews, () => Normal(batch, 3, d.LocalFrames, d.LocalSize, d.LocalSize))];
        Tensor[] audio = [Normal(batch, 1, d.Mels, d.GlobalMelFrames), .. Repeat(d.LocalAudioViews, () => Normal(batch, 1, d.Mels, d.LocalMelFrames))];
        return new XkdInput(video, audio, rand([batch, config.VideoGeometry.Tokens], device: device), rand([batch, config.AudioGeometry.Tokens], device: device));

        Tensor Normal(params long[] shape) => randn(shape, device: device);

        static IEnumerable<Tensor> Repeat(int count, Func<Tensor> make) => Enumerable.Range(0, count).Select(_ => make());
    }
}
