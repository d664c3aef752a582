using Xkd.Model.Networks;
using Xkd.Model.Objectives;
using Xkd.Storage;

namespace Xkd.Model;

/// <summary>
/// Everything that defines the networks and the objective. The defaults are the published ViT-B recipe; where the paper and its released code part, the
/// option's documentation names both and the paper's is the default.
/// </summary>
public sealed record XkdOptions
{
    /// <summary>Which blocks are shared between modalities. Default <see cref="XkdVariant.Xkd"/>.</summary>
    public XkdVariant Variant { get; init; } = XkdVariant.Xkd;

    /// <summary>The global video view and its cuboids.</summary>
    public VideoGeometry Video { get; init; } = new();

    /// <summary>The global audio view and its patches.</summary>
    public AudioGeometry Audio { get; init; } = new();

    /// <summary>Student encoders. Default ViT-B: 768/12/12.</summary>
    public TransformerOptions Student { get; init; } = new();

    /// <summary>Teacher encoders; training by moving average needs them equal to <see cref="Student"/>. Default ViT-B.</summary>
    public TransformerOptions Teacher { get; init; } = new();

    /// <summary>Reconstruction decoders. Default 384/4/12.</summary>
    public TransformerOptions Decoder { get; init; } = new() { Dim = 384, Depth = 4, Heads = 12 };

    /// <summary>The projector behind each of the four encoders.</summary>
    public ProjectorOptions Projector { get; init; } = new();

    /// <summary>Encoders and decoders carry a class token. Default true; without it <see cref="Refinement"/> takes the attention of all queries.</summary>
    public bool ClassToken { get; init; } = true;

    /// <summary>Reconstruct patches normalised by their own mean and variance. Default true.</summary>
    public bool NormalisedPatches { get; init; } = true;

    /// <summary>Share of the video tokens hidden from the student. Default 0.85.</summary>
    public double VideoMaskRatio { get; init; } = 0.85;

    /// <summary>Share of the audio tokens hidden from the student. Default 0.80.</summary>
    public double AudioMaskRatio { get; init; } = 0.80;

    /// <summary>Cross-modal refinement of the teachers' features. Default mean.</summary>
    public AttentionRefinement Refinement { get; init; } = AttentionRefinement.Mean;

    /// <summary>Weight of domain alignment (MMD) in the loss. Default 1.</summary>
    public double AlignWeight { get; init; } = 1;

    /// <summary>Weight of cross-modal distillation in the loss. Default 1.</summary>
    public double DistillationWeight { get; init; } = 1;

    /// <summary>Weight of masked reconstruction in the loss. Default 5.</summary>
    public double ReconstructionWeight { get; init; } = 5;

    /// <summary>Weight of the video part within reconstruction. Default 1; 0 leaves the video decoder out.</summary>
    public double VideoReconstructionWeight { get; init; } = 1;

    /// <summary>Weight of the audio part within reconstruction. Default 1; 0 leaves the audio decoder out.</summary>
    public double AudioReconstructionWeight { get; init; } = 1;

    /// <summary>What the teachers see. Default global (paper); the released code feeds the first local view.</summary>
    public TeacherView TeacherView { get; init; } = TeacherView.Global;

    /// <summary>Student temperatures. Default per modality; the released code uses audio's for both.</summary>
    public StudentTemperatureRule StudentTemperature { get; init; } = StudentTemperatureRule.PerModality;

    /// <summary>Scale of the alignment kernels. Default fixed (released code).</summary>
    public KernelBandwidth Bandwidth { get; init; } = KernelBandwidth.Fixed;

    /// <summary>Gammas of the alignment kernels, which are summed. Default 1e-3 … 1e3.</summary>
    public IReadOnlyList<double> Gammas { get; init; } = MaximumMeanDiscrepancy.PublishedGammas;

    /// <summary>Momentum of the centre of the video teacher's outputs. Default 0.9.</summary>
    public double VideoCenterMomentum { get; init; } = 0.9;

    /// <summary>Momentum of the centre of the audio teacher's outputs. Default 0.9.</summary>
    public double AudioCenterMomentum { get; init; } = 0.9;

    /// <summary>
    /// Compute terms whose weight is 0 as well, as the released code does. Default false: an ablation does no wasted work, and a term left out reads 0.
    /// </summary>
    public bool ComputeUnweightedTerms { get; init; }

    /// <summary>The published recipe exactly as the released code computes it, its departures from the paper included.</summary>
    public static XkdOptions Released { get; } = new()
    {
        TeacherView = TeacherView.FirstLocal,
        StudentTemperature = StudentTemperatureRule.AudioForBoth,
        ComputeUnweightedTerms = true,
    };

    /// <summary>Throws one <see cref="UsageException"/> that names every problem.</summary>
    public void Validate()
    {
        var problems = Problems().ToList();
        if (problems.Count > 0)
        {
            throw new UsageException("model: " + string.Join("; ", problems));
        }
    }

    /// <summary>Every problem of these options, each naming the key, the value and the fix.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (var problem in Video.Problems().Concat(Audio.Problems()).Concat(Student.Problems("model.encoder (student)")).Concat(Teacher.Problems("model.encoder (teacher)"))
            .Concat(Decoder.Problems("model.decoder")).Concat(Projector.Problems()))
        {
            yield return problem;
        }

        foreach (var (name, ratio) in new[] { ("objective.mask_video", VideoMaskRatio), ("objective.mask_audio", AudioMaskRatio) })
        {
            if (!(ratio > 0 && ratio < 1))
            {
                yield return $"{name} {ratio} must lie between 0 and 1, both excluded";
            }
        }

        foreach (var (name, weight) in new[]
        {
            ("objective.align", AlignWeight), ("objective.cmkd", DistillationWeight), ("objective.recon", ReconstructionWeight),
            ("objective.recon_video", VideoReconstructionWeight), ("objective.recon_audio", AudioReconstructionWeight),
        })
        {
            if (!(weight >= 0 && double.IsFinite(weight)))
            {
                yield return $"{name} {weight} must be finite and not negative";
            }
        }

        if (AlignWeight + DistillationWeight + ReconstructionWeight == 0)
        {
            yield return "objective.align, objective.cmkd and objective.recon are all 0; give at least one a weight";
        }

        if (ReconstructionWeight > 0 && VideoReconstructionWeight + AudioReconstructionWeight == 0)
        {
            yield return "objective.recon is not 0 but objective.recon_video and objective.recon_audio are; set objective.recon to 0 instead";
        }
    }
}
