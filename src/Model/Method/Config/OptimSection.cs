namespace Xkd.Model.Method;

/// <summary>AdamW with two parameter groups, per-parameter clipping, cosine schedules and the teachers' EMA.</summary>
/// <remarks>How large a learning rate is too large, only the parameters tell: a checkpoint of what is not finite is never written.</remarks>
public sealed record OptimSection
{
    /// <summary>Length of the run and of every schedule, epochs. Default 800.</summary>
    [Within(1, 1_000_000)]
    public int Epochs { get; init; } = 800;

    /// <summary>Epochs of linear warm-up of the learning rate. Default 30.</summary>
    [Within(0, 1_000_000)]
    public int WarmupEpochs { get; init; } = 30;

    /// <summary>Learning rate after the warm-up. Default 1e-4.</summary>
    [Within(0, double.MaxValue, Above = true)]
    public double Lr { get; init; } = 1e-4;

    /// <summary>Learning rate that the warm-up starts from. Default 0.</summary>
    [Within(0, double.MaxValue)]
    public double WarmupLr { get; init; }

    /// <summary>Learning rate that the cosine ends at. Default 0.</summary>
    [Within(0, double.MaxValue)]
    public double FinalLr { get; init; }

    /// <summary>Weight decay of all but biases and one-dimensional parameters: from, to. Default [0.3, 0.3].</summary>
    [Within(0, 100, Items = "from, to", OneForAll = true)]
    public double[] WeightDecay { get; init; } = [0.3, 0.3];

    /// <summary>AdamW's betas. Default [0.9, 0.95].</summary>
    [Within(0, 0.999999999, Items = "mean, variance")]
    public double[] Betas { get; init; } = [0.9, 0.95];

    /// <summary>AdamW's epsilon. Default 1e-8.</summary>
    [Within(0, 1, Above = true)]
    public double Eps { get; init; } = 1e-8;

    /// <summary>Largest gradient norm of one parameter; 0: no clipping. Default 0.3.</summary>
    [Within(0, 1e9)]
    public double ClipGrad { get; init; } = 0.3;

    /// <summary>Clip the decoders too; the released code does not. Default false.</summary>
    public bool ClipDecoder { get; init; }

    /// <summary>Epochs in which the projectors' last layers are not trained. Default 0.</summary>
    [Within(0, 1_000_000)]
    public int FreezeLastLayerEpochs { get; init; }

    /// <summary>Share of the video teacher kept per step, at the start. Default 0.997.</summary>
    [Within(0, 1)]
    public double EmaVideo { get; init; } = 0.997;

    /// <summary>Share of the audio teacher kept per step, at the start. Default 0.997.</summary>
    [Within(0, 1)]
    public double EmaAudio { get; init; } = 0.997;

    /// <summary>Share of the teachers kept per step, at the end (cosine). Default 1.</summary>
    [Within(0, 1)]
    public double EmaFinal { get; init; } = 1;

    /// <summary>Update MATS's shared teacher blocks once a step, or twice as the released code does. Default once.</summary>
    public SharedTeacherUpdate SharedTeacherEma { get; init; } = SharedTeacherUpdate.Once;
}

/// <summary>How often the blocks that MATS's two teachers share follow the students in one step.</summary>
public enum SharedTeacherUpdate
{
    /// <summary>Once, with the video teacher's momentum (the two are equal in every published setting): what a moving average means.</summary>
    Once,

    /// <summary>Once per teacher, so with the product of both momenta: what the released code does.</summary>
    Twice,
}
