using TorchSharp;
using Xkd.Model.Distributed;
using Xkd.Model.Native;
using Xkd.Model.Networks;
using Xkd.Model.Objectives;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model;

/// <content>The steps <see cref="forward"/> is made of.</content>
public sealed partial class XkdModel
{
    /// <summary>What casts the forward pass to bfloat16; null computes in float32. The caller enters it.</summary>
    internal Autocast? Casting { get; set; }

    /// <summary>Other ranks, whose rows alignment may see; null for a process by itself.</summary>
    internal StepExchange? Exchange { get; set; }

    private ForwardPlan Plan => new(Options);

    /// <summary>From here on forward passes leave the centres where they are, until <see cref="MoveCenters"/>.</summary>
    internal void HoldCenters()
    {
        vt2as_ce_loss.Hold();
        at2vs_ce_loss.Hold();
    }

    /// <summary>Moves both centres by the mean over the forward passes since <see cref="HoldCenters"/>, and over all ranks.</summary>
    internal void MoveCenters(StepExchange? exchange)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        if (vt2as_ce_loss.Release() is not { } video || at2vs_ce_loss.Release() is not { } audio)
        {
            return; // the cross-modal terms are left out, on all ranks alike
        }

        var means = stack([video, audio]); // [2, 1, K]
        exchange?.Average(means);
        vt2as_ce_loss.MoveCenter(means[0]);
        at2vs_ce_loss.MoveCenter(means[1]);
    }

    private static (Tensor? Latent, Tensor? Loss) Reconstruct(
        MaskedAutoencoder autoencoder, Tensor view, Tensor noise, double maskRatio, bool encode, bool decode, bool normalise)
    {
        if (!encode)
        {
            return (null, null);
        }

        var (latent, patches, masking) = autoencoder.Encode(view, noise, maskRatio); // [B, prefix + K, D]
        if (!decode)
        {
            return (latent, null);
        }

        var predicted = autoencoder.Decode(latent, masking, view); // [B, N, P]
        return (latent, PatchReconstruction.Loss(predicted, patches, masking.Mask, normalise));
    }

    private (Tensor? Latent, Tensor? Loss) Reconstruct(MaskedAutoencoder autoencoder, Tensor view, Tensor noise, double maskRatio, bool encode, bool decode) =>
        Reconstruct(autoencoder, view, noise, maskRatio, encode, decode, Options.NormalisedPatches);

    private Tensor Aligned(BranchOutput output) => Exchange is null ? output.Logits : Exchange.Rows(output.Logits);

    private BranchOutput Student(Branch student, Tensor latent, IReadOnlyList<Tensor> views)
    {
        if (views.Count < 2)
        {
            throw new UsageException("distillation and alignment need at least one local view per modality; add one, or set both weights to 0");
        }

        var local = views.Count == 2 ? views[1] : cat(views.Skip(1).ToArray(), 0); // [V·B, ..]
        return Project(student, cat([student.PatchMean(latent), student.PatchMean(student.Backbone.call(local))], 0)); // [(1 + V)·B, D]
    }

    private Tensor TeacherView(IReadOnlyList<Tensor> views) => Options.TeacherView == Objectives.TeacherView.Global ? views[0] : views[1];

    private (BranchOutput Video, BranchOutput Audio) Teachers(Tensor video, Tensor audio)
    {
        using var unrecorded = no_grad();
        if (Options.Refinement == AttentionRefinement.None)
        {
            return (Project(vid_teacher, vid_teacher.PatchMean(vid_teacher.Backbone.call(video))),
                Project(aud_teacher, aud_teacher.PatchMean(aud_teacher.Backbone.call(audio))));
        }

        var (videoPatches, videoAttention) = Attended(vid_teacher.Backbone, video); // [B, N, D], [B, heads, N]
        var (audioPatches, audioAttention) = Attended(aud_teacher.Backbone, audio); // [B, M, D], [B, heads, M]
        var videoWeights = CrossModalAttention.Refine(videoAttention, audioAttention, Options.Refinement); // [B, heads, N]
        var audioWeights = CrossModalAttention.Refine(audioAttention, videoAttention, Options.Refinement); // [B, heads, M]
        return (Project(vid_teacher, CrossModalAttention.AlignFeatures(videoPatches, videoWeights).mean([1L])),
            Project(aud_teacher, CrossModalAttention.AlignFeatures(audioPatches, audioWeights).mean([1L])));
    }

    // A row per view, so it costs nothing to be exact; temperatures and kernels would make bfloat16's rounding of logits visible.
    private BranchOutput Project(Branch branch, Tensor features)
    {
        using var exact = Casting?.Pause();
        features = features.to(ScalarType.Float32);
        return new BranchOutput(features, branch.Head.call(features)); // [rows, D] -> [rows, K]
    }

    // Patch tokens and the class token's attention to them, or all queries' mean where there is none; attention to the class token is dropped.
    private static (Tensor Patches, Tensor Attention) Attended(ViT backbone, Tensor view)
    {
        var (tokens, attention) = backbone.ForwardWithClassAttention(view); // [B, prefix + N, D], [B, heads, prefix + N]
        var patches = tokens.shape[1] - backbone.Prefix;
        return (tokens.narrow(1, backbone.Prefix, patches), attention.narrow(2, backbone.Prefix, patches));
    }

    private XkdTerms Combine(DisposeScope scope, TermParts parts)
    {
        var zero = zeros([], device: Device);
        var none = new MmdTerms(zero, zero, zero, zero);
        var (reconVideo, reconAudio) = (parts.ReconVideo ?? zero, parts.ReconAudio ?? zero);
        var (v2a, a2v) = (parts.KdV2A ?? zero, parts.KdA2V ?? zero);
        var (students, teachers) = (parts.AlignStudent ?? none, parts.AlignTeacher ?? none);
        var recon = Options.VideoReconstructionWeight + Options.AudioReconstructionWeight is > 0 and var both
            ? (reconVideo.Times(Options.VideoReconstructionWeight) + reconAudio.Times(Options.AudioReconstructionWeight)).Over(both)
            : zero;
        var distillation = (v2a + a2v).Over(2);
        var alignment = (students.Loss + teachers.Loss).Over(2).to(ScalarType.Float32);
        var weights = Options.AlignWeight + Options.DistillationWeight + Options.ReconstructionWeight;
        var loss = (alignment.Times(Options.AlignWeight) + distillation.Times(Options.DistillationWeight) + recon.Times(Options.ReconstructionWeight)).Over(weights);
        return new XkdTerms
        {
            Loss = scope.MoveToOuter(loss),
            ReconVideo = scope.MoveToOuter(reconVideo),
            ReconAudio = scope.MoveToOuter(reconAudio),
            KdV2A = scope.MoveToOuter(v2a),
            KdA2V = scope.MoveToOuter(a2v),
            AlignStudent = Outer(scope, students),
            AlignTeacher = Outer(scope, teachers),
            VideoTeacher = Outer(scope, parts.VideoTeacher),
            AudioTeacher = Outer(scope, parts.AudioTeacher),
            VideoStudent = Outer(scope, parts.VideoStudent),
            AudioStudent = Outer(scope, parts.AudioStudent),
        };
    }

    private static MmdTerms Outer(DisposeScope scope, MmdTerms terms)
    {
        scope.MoveToOuter(terms.Loss, terms.Kxx, terms.Kyy);
        scope.MoveToOuter(terms.Kxy);
        return terms;
    }

    private static BranchOutput? Outer(DisposeScope scope, BranchOutput? output)
    {
        if (output is not null)
        {
            scope.MoveToOuter(output.Features, output.Logits);
        }

        return output;
    }

    private sealed record TermParts(Tensor? ReconVideo, Tensor? ReconAudio)
    {
        public Tensor? KdV2A { get; init; }

        public Tensor? KdA2V { get; init; }

        public MmdTerms? AlignStudent { get; init; }

        public MmdTerms? AlignTeacher { get; init; }

        public BranchOutput? VideoTeacher { get; init; }

        public BranchOutput? AudioTeacher { get; init; }

        public BranchOutput? VideoStudent { get; init; }

        public BranchOutput? AudioStudent { get; init; }
    }
}
