using Xkd.Storage;

namespace Xkd.Model.Method;

/// <summary>All scheduled values of a run as a function of the step.</summary>
public sealed class TrainingSchedule
{
    private readonly PretrainConfig config;
    private readonly long stepsPerEpoch;
    private readonly CosineSchedule learningRate;
    private readonly CosineSchedule weightDecay;
    private readonly CosineSchedule videoEma;
    private readonly CosineSchedule audioEma;
    private readonly TemperatureSchedule videoTeacher;
    private readonly TemperatureSchedule audioTeacher;

    /// <summary>Throws <see cref="Xkd.Storage.UsageException"/> when a warm-up is longer than the run.</summary>
    public TrainingSchedule(PretrainConfig config, long stepsPerEpoch)
    {
        (this.config, this.stepsPerEpoch) = (config, stepsPerEpoch);
        var optim = config.Optim;
        Steps = optim.Epochs * stepsPerEpoch;
        learningRate = new(optim.Lr, optim.FinalLr, Steps, optim.WarmupEpochs * stepsPerEpoch, optim.WarmupLr);
        weightDecay = new(optim.WeightDecay[0], optim.WeightDecay[1], Steps);
        videoEma = new(optim.EmaVideo, optim.EmaFinal, Steps);
        audioEma = new(optim.EmaAudio, optim.EmaFinal, Steps);
        videoTeacher = Temperature(config.Objective.TeacherTempVideo);
        audioTeacher = Temperature(config.Objective.TeacherTempAudio);
    }

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; }

    /// <summary>The values at a step, 0 to <see cref="Steps"/> − 1.</summary>
    public StepSchedule At(long step)
    {
        var epoch = (int)(step / stepsPerEpoch);
        return new StepSchedule
        {
            LearningRate = learningRate.At(step),
            WeightDecay = weightDecay.At(step),
            VideoEma = videoEma.At(step),
            AudioEma = audioEma.At(step),
            Temperatures = new KdTemperatures(videoTeacher.At(epoch), audioTeacher.At(epoch), config.Objective.StudentTempVideo, config.Objective.StudentTempAudio),
            FreezeLastLayer = epoch < config.Optim.FreezeLastLayerEpochs,
        };
    }

    // A constant temperature has no warm-up to fit into a short run; the reference would refuse to build the array.
    private TemperatureSchedule Temperature(double[] values) =>
        new(values[0], values[1], values[0] == values[1] ? 0 : config.Objective.TempWarmupEpochs, config.Optim.Epochs);
}

/// <summary>
/// A linear warm-up followed by half a cosine, per optimizer step, in double precision. As in the reference, the warm-up includes both its ends, so the
/// base value occurs twice in a row, and the final value itself is never reached.
/// </summary>
public sealed class CosineSchedule
{
    private readonly double start;
    private readonly double @base;
    private readonly double final;
    private readonly long warmupSteps;

    /// <param name="baseValue">Value at the end of the warm-up.</param>
    /// <param name="finalValue">Value the cosine falls (or rises) to.</param>
    /// <param name="steps">Steps in all, at least 1.</param>
    /// <param name="warmupSteps">Steps of the warm-up, 0 to <paramref name="steps"/>.</param>
    /// <param name="startValue">First value of the warm-up.</param>
    public CosineSchedule(double baseValue, double finalValue, long steps, long warmupSteps = 0, double startValue = 0)
    {
        if (steps < 1 || warmupSteps < 0 || warmupSteps > steps)
        {
            throw new UsageException($"schedule: {warmupSteps} warm-up steps of {steps} steps; the warm-up must fit into the run (lower warmup_epochs or raise epochs)");
        }

        (@base, final, Steps, this.warmupSteps, start) = (baseValue, finalValue, steps, warmupSteps, startValue);
    }

    /// <summary>Steps in all.</summary>
    public long Steps { get; }

    /// <summary>The value at a step, 0 to <see cref="Steps"/> − 1.</summary>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, Steps);
        if (step < warmupSteps)
        {
            return step == warmupSteps - 1 && warmupSteps > 1 ? @base : start + step * ((@base - start) / Math.Max(1, warmupSteps - 1));
        }

        var progress = Math.PI * (step - warmupSteps) / (Steps - warmupSteps);
        return final + 0.5 * (@base - final) * (1 + Math.Cos(progress));
    }
}

/// <summary>A teacher temperature per epoch: a linear warm-up that includes both its ends, then constant.</summary>
public sealed class TemperatureSchedule
{
    private readonly double start;
    private readonly double final;
    private readonly int warmupEpochs;

    /// <param name="start">Temperature of the first epoch.</param>
    /// <param name="final">Temperature after the warm-up.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up; the reference needs at least as many <paramref name="epochs"/>.</param>
    /// <param name="epochs">Epochs in all.</param>
    public TemperatureSchedule(double start, double final, int warmupEpochs, int epochs)
    {
        if (warmupEpochs < 0 || epochs < 1 || warmupEpochs > epochs)
        {
            throw new UsageException($"temperature: {warmupEpochs} warm-up epochs of {epochs} epochs; the warm-up must fit into the run (lower temperature_warmup_epochs or raise epochs)");
        }

        (this.start, this.final, this.warmupEpochs, Epochs) = (start, final, warmupEpochs, epochs);
    }

    /// <summary>Epochs in all.</summary>
    public int Epochs { get; }

    /// <summary>The temperature in an epoch, counted from 0.</summary>
    public double At(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(epoch, Epochs);
        return epoch >= warmupEpochs || (epoch == warmupEpochs - 1 && warmupEpochs > 1)
            ? final
            : start + epoch * ((final - start) / Math.Max(1, warmupEpochs - 1));
    }
}

/// <summary>The scheduled values of one optimizer step.</summary>
public readonly record struct StepSchedule
{
    /// <summary>AdamW's learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>AdamW's decoupled weight decay of the decayed parameters.</summary>
    public required double WeightDecay { get; init; }

    /// <summary>Share of the video teacher kept by its moving average.</summary>
    public required double VideoEma { get; init; }

    /// <summary>Share of the audio teacher kept by its moving average.</summary>
    public required double AudioEma { get; init; }

    /// <summary>Distillation temperatures.</summary>
    public required KdTemperatures Temperatures { get; init; }

    /// <summary>Leave the projectors' last layers as they are: their AdamW state does not advance either.</summary>
    public bool FreezeLastLayer { get; init; }
}

/// <summary>Distillation temperatures of one step (published: teachers 0.1 and 0.07, students 0.1).</summary>
/// <param name="TeacherVideo">Sharpens the video teacher, which teaches the audio student.</param>
/// <param name="TeacherAudio">Sharpens the audio teacher, which teaches the video student.</param>
/// <param name="StudentVideo">Softens the video student; see <see cref="StudentTemperatureRule"/>.</param>
/// <param name="StudentAudio">Softens the audio student.</param>
public readonly record struct KdTemperatures(double TeacherVideo = 0.1, double TeacherAudio = 0.07, double StudentVideo = 0.1, double StudentAudio = 0.1)
{
    /// <summary>The published temperatures.</summary>
    public static KdTemperatures Published { get; } = new(0.1, 0.07, 0.1, 0.1);
}
