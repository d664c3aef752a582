namespace Xkd.Model.Method;

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
    [Within(1e-6, 1e6, Items = "from, to", OneForAll = true)]
    public double[] TeacherTempVideo { get; init; } = [0.1, 0.1];

    /// <summary>Audio teacher's temperature: from, to, over the temperature warm-up. Default [0.07, 0.07].</summary>
    [Within(1e-6, 1e6, Items = "from, to", OneForAll = true)]
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

    /// <summary>Share of the teachers' centres kept per step; one number stands for both. Default [0.9, 0.9].</summary>
    [Within(0, 1, Items = "video, audio", OneForAll = true)]
    public double[] CenterMomentum { get; init; } = [0.9, 0.9];

    /// <summary>Gaussian MMD kernels: the published gammas (1e-3 … 1e3), or the same relative to the batch's median squared distance. Default fixed.</summary>
    public KernelBandwidth MmdBandwidth { get; init; } = KernelBandwidth.Fixed;

    /// <summary>
    /// Alignment compares the rows of all ranks, not only each rank's own as in the released code: with one part to a rank the loss is then the whole batch's,
    /// whatever the number of ranks. Default false.
    /// </summary>
    public bool AlignAllRanks { get; init; }

    /// <summary>Reconstruct per-patch-normalised values. Default true.</summary>
    public bool NormPix { get; init; } = true;

    /// <summary>A term has a weight that compares the modalities: local views, teachers and projectors are needed.</summary>
    internal bool CrossModal => Align + Cmkd > 0;

    /// <summary>Weight of the video reconstruction in the loss.</summary>
    internal double VideoReconstruction => ReconVideo > 0 ? Recon * ReconVideo / (ReconVideo + ReconAudio) : 0;

    /// <summary>Weight of the audio reconstruction in the loss.</summary>
    internal double AudioReconstruction => ReconAudio > 0 ? Recon * ReconAudio / (ReconVideo + ReconAudio) : 0;
}

/// <summary>How the teachers' class attention of one modality refines the other's patch features (paper, cross-modal attention map).</summary>
public enum AttentionRefinement
{
    /// <summary>Not at all: plain means of the patch tokens.</summary>
    None,

    /// <summary>The outer product of both attentions averaged over the other modality's patches.</summary>
    Mean,

    /// <summary>The same, with a softmax over patches.</summary>
    Softmax,
}

/// <summary>Which view the teachers see.</summary>
public enum TeacherView
{
    /// <summary>The whole global view (paper, figure 2: teachers receive the full, unmasked input).</summary>
    Global,

    /// <summary>The first local view: what the released code does (it indexes the views by the number of global ones).</summary>
    FirstLocal,
}

/// <summary>Which temperature softens the video student's logits.</summary>
public enum StudentTemperatureRule
{
    /// <summary>Each student's own (the paper's tau_s; equal for both modalities in every published setting).</summary>
    PerModality,

    /// <summary>The audio student's for both: what the released code does (its video student temperature is never read).</summary>
    AudioForBoth,
}

/// <summary>The scale of the alignment loss's gaussian kernels.</summary>
public enum KernelBandwidth
{
    /// <summary>gamma = 1e-3 … 1e3 on plain squared distances (released code).</summary>
    Fixed,

    /// <summary>
    /// The same gammas on squared distances divided by their median over all pairs of different rows. At the published width independent rows lie about
    /// 16,000 apart, so that every fixed kernel vanishes off the diagonal and its gradient with it; this keeps one alive.
    /// </summary>
    Median,
}
