using Xkd.Model.Objectives;

namespace Xkd.Model.Optimization;

/// <summary>All scheduled values of a run as a function of the step.</summary>
public sealed class TrainingSchedule
{
    private readonly ScheduleOptions options;
    private readonly long stepsPerEpoch;
    private readonly CosineSchedule learningRate;
    private readonly CosineSchedule weightDecay;
    private readonly CosineSchedule videoEma;
    private readonly CosineSchedule audioEma;
    private readonly TemperatureSchedule videoTeacher;
    private readonly TemperatureSchedule audioTeacher;

    /// <summary>Throws <see cref="Xkd.Storage.UsageException"/> when a warm-up is longer than the run.</summary>
    public TrainingSchedule(ScheduleOptions options, long stepsPerEpoch)
    {
        (this.options, this.stepsPerEpoch) = (options, stepsPerEpoch);
        Steps = options.Epochs * stepsPerEpoch;
        learningRate = new(options.LearningRate, options.FinalLearningRate, Steps, options.WarmupEpochs * stepsPerEpoch, options.WarmupLearningRate);
        weightDecay = new(options.WeightDecay, options.FinalWeightDecay, Steps);
        videoEma = new(options.VideoEma, options.FinalVideoEma, Steps);
        audioEma = new(options.AudioEma, options.FinalAudioEma, Steps);
        videoTeacher = Temperature(options.VideoTeacherTemperatureStart, options.VideoTeacherTemperature);
        audioTeacher = Temperature(options.AudioTeacherTemperatureStart, options.AudioTeacherTemperature);
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
            Temperatures = new KdTemperatures(videoTeacher.At(epoch), audioTeacher.At(epoch), options.VideoStudentTemperature, options.AudioStudentTemperature),
            FreezeLastLayer = epoch < options.FreezeLastLayerEpochs,
        };
    }

    // A constant temperature has no warm-up to fit into a short run; the reference would refuse to build the array.
    private TemperatureSchedule Temperature(double start, double final) =>
        new(start, final, start == final ? 0 : options.TemperatureWarmupEpochs, options.Epochs);
}
