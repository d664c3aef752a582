using Xkd.Model.Objectives;

namespace Xkd.Model.Optimization;

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
