namespace Xkd.Model;

/// <summary>The scalars of one step on the host. A term that its weight left out reads 0.</summary>
public sealed record XkdLossValues
{
    public required double Loss { get; init; }

    public required double ReconVideo { get; init; }

    public required double ReconAudio { get; init; }

    /// <summary>Video teacher to audio student, cross-entropy in nats.</summary>
    public required double KdV2A { get; init; }

    /// <summary>Audio teacher to video student, cross-entropy in nats.</summary>
    public required double KdA2V { get; init; }

    public required double AlignStudent { get; init; }

    /// <summary>Teacher with teacher: shifts the loss, carries no gradient.</summary>
    public required double AlignTeacher { get; init; }

    /// <summary>Mean kernel among the video student's rows; the alignment is kxx + kyy − 2 kxy.</summary>
    public required double MmdKxx { get; init; }

    /// <summary>Mean kernel among the audio student's rows.</summary>
    public required double MmdKyy { get; init; }

    /// <summary>Mean kernel between the video student's and the audio student's rows.</summary>
    public required double MmdKxy { get; init; }

    /// <summary>Norm of all trained parameters' gradients together, before clipping.</summary>
    public required double GradNorm { get; init; }

    /// <summary>Entropy of the softmax of the video teacher's centre at the teacher's temperature, nats.</summary>
    public double CenterEntropyVideo { get; init; }

    /// <summary>Entropy of the softmax of the audio teacher's centre at the teacher's temperature, nats.</summary>
    public double CenterEntropyAudio { get; init; }

    /// <summary>Mean entropy of the video teacher's centred and sharpened outputs, nats.</summary>
    public double TeacherEntropyVideo { get; init; }

    /// <summary>Mean entropy of the audio teacher's centred and sharpened outputs, nats.</summary>
    public double TeacherEntropyAudio { get; init; }

    /// <summary>Standard deviation of each of the video student's logits over its rows, mean over the logits.</summary>
    public double StdVideo { get; init; }

    /// <summary>Standard deviation of each of the audio student's logits over its rows, mean over the logits.</summary>
    public double StdAudio { get; init; }

    /// <summary>Name of the first term, in the order of the computation, that is not finite; null when all are.</summary>
    public string? FirstNonFinite => new[]
    {
        ("recon_video", ReconVideo), ("recon_audio", ReconAudio), ("kd_v2a", KdV2A), ("kd_a2v", KdA2V), ("align_student", AlignStudent),
        ("align_teacher", AlignTeacher), ("loss", Loss), ("grad_norm", GradNorm),
    }.FirstOrDefault(term => !double.IsFinite(term.Item2)).Item1;
}
