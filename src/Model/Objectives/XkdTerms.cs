using static TorchSharp.torch;

namespace Xkd.Model.Objectives;

/// <summary>The terms of one forward pass, float32 scalars on the device (the alignment's in float64). A term that was left out is a constant 0.</summary>
public sealed record XkdTerms
{
    /// <summary>What is minimised: the weighted mean of alignment, distillation and reconstruction.</summary>
    public required Tensor Loss { get; init; }

    public required Tensor ReconVideo { get; init; }

    public required Tensor ReconAudio { get; init; }

    public required Tensor KdV2A { get; init; }

    public required Tensor KdA2V { get; init; }

    /// <summary>Student with student: video rows are x, audio rows y.</summary>
    public required MmdTerms AlignStudent { get; init; }

    /// <summary>Teacher with teacher: no gradient.</summary>
    public required MmdTerms AlignTeacher { get; init; }

    /// <summary>Null where the cross-modal terms are left out.</summary>
    public BranchOutput? VideoTeacher { get; init; }

    public BranchOutput? AudioTeacher { get; init; }

    public BranchOutput? VideoStudent { get; init; }

    public BranchOutput? AudioStudent { get; init; }
}
