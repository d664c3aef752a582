using Xkd.Model.Distributed;
using Xkd.Model.Optimization;

namespace Xkd.Model;

/// <summary>How one optimizer step is done. Defaults: the published recipe, in the paper's reading where the released code differs.</summary>
public sealed record XkdStepOptions
{
    /// <summary>AdamW's constants.</summary>
    public AdamWOptions AdamW { get; init; } = new();

    /// <summary>Largest gradient norm of one parameter; 0: no clipping. Default 0.3.</summary>
    public double GradientClip { get; init; } = 0.3;

    /// <summary>Clip the decoders' parameters too. Default false: the released code clips student backbones and projectors only.</summary>
    public bool ClipDecoders { get; init; }

    /// <summary>How often MATS's shared teacher blocks follow per step. Default once; the released code does it twice.</summary>
    public SharedTeacherUpdate SharedTeacher { get; init; } = SharedTeacherUpdate.Once;

    /// <summary>What is exchanged with the other ranks; null for a process by itself.</summary>
    internal StepExchange? Exchange { get; init; }

    /// <summary>What the forward pass computes in. Default auto: bfloat16 on a GPU, float32 on the CPU.</summary>
    public Precision Precision { get; init; }

    /// <summary>The step as the released code does it, without its mixed precision: what exact numbers are compared with.</summary>
    public static XkdStepOptions Released { get; } = new() { SharedTeacher = SharedTeacherUpdate.Twice, Precision = Precision.Float32 };
}
