using Xkd.Model.Objectives;

namespace Xkd.Model.Configuration;

/// <summary>What is learned. A weight of 0 leaves the term and the work for it out, so every ablation is a <c>--set</c>.</summary>
public sealed record ObjectiveSection
{
    /// <summary>Weight of domain alignment. Default 1.</summary>
    [Within(0, 1e6)]
    public double Align { get; init; } = 1;

    /// <summary>Weight of cross-modal distillation. Default 1.</summary>
    [Within(0, 1e6)]
    public double Cmkd { get; init; } = 1;

    /// <summary>Weight of masked reconstruction. Default 5.</summary>
    [Within(0, 1e6)]
    public double Recon { get; init; } = 5;

    /// <summary>Share of the video term within the reconstruction. Default 1.</summary>
    [Within(0, 1e6)]
    public double ReconVideo { get; init; } = 1;

    /// <summary>Share of the audio term within the reconstruction. Default 1.</summary>
    [Within(0, 1e6)]
    public double ReconAudio { get; init; } = 1;

    /// <summary>Share of video tokens that the student does not see. Default 0.85.</summary>
    [Within(0, 1)]
    public double MaskVideo { get; init; } = 0.85;

    /// <summary>Share of audio tokens that the student does not see. Default 0.8.</summary>
    [Within(0, 1)]
    public double MaskAudio { get; init; } = 0.8;

    /// <summary>How the teachers' tokens are refined by the other modality before projection. Default mean.</summary>
    public AttentionRefinement Refinement { get; init; } = AttentionRefinement.Mean;

    /// <summary>Which view the teachers see: global (the paper's figure) or the first local one (the released code). Default global.</summary>
    public TeacherView TeacherView { get; init; } = TeacherView.Global;

    /// <summary>Video teacher's temperature: from, to, over the temperature warm-up. Default [0.1, 0.1].</summary>
    [Within(1e-6, 1e6)]
    public double[] TeacherTempVideo { get; init; } = [0.1, 0.1];

    /// <summary>Audio teacher's temperature: from, to, over the temperature warm-up. Default [0.07, 0.07].</summary>
    [Within(1e-6, 1e6)]
    public double[] TeacherTempAudio { get; init; } = [0.07, 0.07];

    /// <summary>Epochs over which the teachers' temperatures change. Default 30.</summary>
    [Within(0, 1_000_000)]
    public int TempWarmupEpochs { get; init; } = 30;

    /// <summary>Video student's temperature. Default 0.1.</summary>
    [Within(1e-6, 1e6)]
    public double StudentTempVideo { get; init; } = 0.1;

    /// <summary>Audio student's temperature. Default 0.1.</summary>
    [Within(1e-6, 1e6)]
    public double StudentTempAudio { get; init; } = 0.1;

    /// <summary>Student temperatures per modality, or the audio one for both as the released code has it. Default per_modality.</summary>
    public StudentTemperatureRule StudentTemperature { get; init; } = StudentTemperatureRule.PerModality;

    /// <summary>Momentum of the teacher centres. Default 0.9.</summary>
    [Within(0, 1)]
    public double CenterMomentum { get; init; } = 0.9;

    /// <summary>Gaussian MMD kernels: the published gammas (1e-3 … 1e3), or the same relative to the batch's median squared distance. Default fixed.</summary>
    public KernelBandwidth MmdBandwidth { get; init; } = KernelBandwidth.Fixed;

    /// <summary>
    /// Alignment compares the rows of all ranks, not only each rank's own as in the released code: with one part to a rank the loss is then the whole batch's,
    /// whatever the number of ranks. Default false.
    /// </summary>
    public bool AlignAllRanks { get; init; }

    /// <summary>Reconstruct per-patch-normalised values. Default true.</summary>
    public bool NormPix { get; init; } = true;
}
