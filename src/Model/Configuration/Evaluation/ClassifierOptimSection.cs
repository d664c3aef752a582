namespace Xkd.Model.Configuration;

/// <summary>AdamW and its schedule.</summary>
public sealed record ClassifierOptimSection
{
    /// <summary>Passes over the training windows. Default 100.</summary>
    [Within(1, 1_000_000)]
    public int Epochs { get; init; } = 100;

    /// <summary>Default cosine.</summary>
    public LearningRateShape Schedule { get; init; } = LearningRateShape.Cosine;

    /// <summary>Base learning rate; not scaled by the batch. Default 1e-3.</summary>
    [Within(0, double.MaxValue, Above = true)]
    public double Lr { get; init; } = 1e-3;

    /// <summary>Learning rate that a cosine ends at. Default 0.</summary>
    [Within(0, double.MaxValue)]
    public double FinalLr { get; init; }

    /// <summary>Default 0.</summary>
    [Within(0, 1_000_000)]
    public int WarmupEpochs { get; init; }

    /// <summary>Learning rate that a warm-up begins at. Default 0.</summary>
    [Within(0, double.MaxValue)]
    public double WarmupLr { get; init; }

    /// <summary>Epochs at which a stepped rate falls. Default none.</summary>
    [Within(0, 1_000_000)]
    public int[] Milestones { get; init; } = [];

    /// <summary>Factor at a milestone. Default 0.1.</summary>
    [Within(0, 100)]
    public double Gamma { get; init; } = 0.1;

    /// <summary>Default 0.</summary>
    [Within(0, 100)]
    public double WeightDecay { get; init; }

    /// <summary>Learning-rate factor per layer below the head, in fine-tuning. Default 1.</summary>
    [Within(0, 1, Above = true)]
    public double LayerDecay { get; init; } = 1;

    /// <summary>Decay of the gradients' and of the squared gradients' running means. Default [0.9, 0.999].</summary>
    [Within(0, 0.999999999)]
    public double[] Betas { get; init; } = [0.9, 0.999];
}
