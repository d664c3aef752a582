namespace Xkd.Model.Optimization;

/// <summary>What changes over a run. Defaults: the published XKD recipe (800 epochs, global batch 256).</summary>
public sealed record ScheduleOptions
{
    /// <summary>Epochs of the whole run. Default 800.</summary>
    public int Epochs { get; init; } = 800;

    /// <summary>Learning rate after the warm-up. Default 1e-4.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Learning rate the cosine falls to. Default 0.</summary>
    public double FinalLearningRate { get; init; }

    /// <summary>Learning rate of the very first step. Default 0.</summary>
    public double WarmupLearningRate { get; init; }

    /// <summary>Epochs of the learning rate's warm-up. Default 30.</summary>
    public int WarmupEpochs { get; init; } = 30;

    /// <summary>Weight decay at the start. Default 0.3.</summary>
    public double WeightDecay { get; init; } = 0.3;

    /// <summary>Weight decay at the end. Default 0.3.</summary>
    public double FinalWeightDecay { get; init; } = 0.3;

    /// <summary>Share of the video teacher kept per step, at the start. Default 0.997.</summary>
    public double VideoEma { get; init; } = 0.997;

    /// <summary>Share of the audio teacher kept per step, at the start. Default 0.997.</summary>
    public double AudioEma { get; init; } = 0.997;

    /// <summary>Share of the video teacher kept per step, at the end. Default 1.</summary>
    public double FinalVideoEma { get; init; } = 1;

    /// <summary>Share of the audio teacher kept per step, at the end. Default 1.</summary>
    public double FinalAudioEma { get; init; } = 1;

    /// <summary>Video teacher temperature in the first epoch. Default 0.1 (MAS: 0.09).</summary>
    public double VideoTeacherTemperatureStart { get; init; } = 0.1;

    /// <summary>Video teacher temperature after its warm-up. Default 0.1 (MAS: 0.11).</summary>
    public double VideoTeacherTemperature { get; init; } = 0.1;

    /// <summary>Audio teacher temperature in the first epoch. Default 0.07 (MAS: 0.04).</summary>
    public double AudioTeacherTemperatureStart { get; init; } = 0.07;

    /// <summary>Audio teacher temperature after its warm-up. Default 0.07 (MAS: 0.06).</summary>
    public double AudioTeacherTemperature { get; init; } = 0.07;

    /// <summary>Epochs of the teacher temperatures' warm-up, at most <see cref="Epochs"/>; not looked at where start and final temperature are equal. Default 30.</summary>
    public int TemperatureWarmupEpochs { get; init; } = 30;

    /// <summary>Video student temperature. Default 0.1.</summary>
    public double VideoStudentTemperature { get; init; } = 0.1;

    /// <summary>Audio student temperature. Default 0.1.</summary>
    public double AudioStudentTemperature { get; init; } = 0.1;

    /// <summary>The projectors' last layers stay frozen in epochs below this. Default 0: never.</summary>
    public int FreezeLastLayerEpochs { get; init; }
}
