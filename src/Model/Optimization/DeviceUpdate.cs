using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>The update as whole-buffer operations of libtorch, wherever the buffers are: it never waits for the device.</summary>
internal sealed class DeviceUpdate : IParameterUpdate
{
    private readonly FlatKernels kernels = new();
    private readonly FlatParameters parameters;
    private readonly FlatTeachers? teachers;
    private readonly FlatAdamW optimizer;
    private readonly GradientClip[] clips;
    private readonly double clip;

    public DeviceUpdate(FlatParameters parameters, AdamWState state, FlatTeachers? teachers, XkdStepOptions options)
    {
        (this.parameters, this.teachers, clip) = (parameters, teachers, options.GradientClip);
        optimizer = new FlatAdamW(parameters, state, kernels, options.AdamW);
        clips = [.. parameters.Clipped(options).Select(range => new GradientClip(parameters, range, kernels))];
    }

    public Tensor Apply(in StepSchedule schedule, IStepObserver? observer)
    {
        using var unrecorded = no_grad();
        var norm = Clip(observer); // [1]
        optimizer.Step(schedule.LearningRate, schedule.WeightDecay, schedule.FreezeLastLayer);
        teachers?.Follow(schedule);
        parameters.Gradients.zero_();
        return norm;
    }

    public Tensor Clip(IStepObserver? observer)
    {
        using var unrecorded = no_grad();
        var norm = parameters.Gradients.norm().unsqueeze(0); // [1]
        foreach (var range in clips)
        {
            using var norms = range.Apply(clip);
            observer?.Visited(range.Slots, norms);
        }

        observer?.Clipped();
        return norm;
    }

    public void Dispose()
    {
        foreach (var range in clips)
        {
            range.Dispose();
        }

        kernels.Dispose();
    }
}
