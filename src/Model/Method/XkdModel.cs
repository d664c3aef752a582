using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>
/// XKD: two students reconstruct what was masked from them and learn from the other modality's teacher. Names of all tensors are the official
/// state-dict names, see <see cref="StateNames"/>. A forward pass changes nothing: teachers and centres are moved by <see cref="XkdStep"/>.
/// </summary>
public sealed class XkdModel : nn.Module
{
    private readonly Branch vid_teacher;
    private readonly Branch vid_student;
    private readonly MaskedAutoencoder vid_ae;
    private readonly Branch aud_teacher;
    private readonly Branch aud_student;
    private readonly MaskedAutoencoder aud_ae;
    private readonly CenteredCrossEntropy vt2as_ce_loss;
    private readonly CenteredCrossEntropy at2vs_ce_loss;
    private FusedKernels? kernels;

    /// <summary>Builds the networks on a device, draws the students from a seed and copies them to the teachers.</summary>
    /// <param name="config">A valid configuration: its variant, views, networks and objective.</param>
    /// <param name="seed">Of the initial values.</param>
    /// <param name="device">Null is the CPU. The model stays there, because an optimizer keeps its parameters as views of flat buffers.</param>
    /// <param name="teacher">Teachers of another size than the students: such a pair has a forward pass only. Null: of the same.</param>
    public XkdModel(PretrainConfig config, ulong seed = 0, Device? device = null, TransformerSection? teacher = null)
        : base(nameof(XkdModel))
    {
        (Config, Device, Teacher) = (config, device ?? CPU, teacher ?? config.Model.Encoder);
        var (model, student) = (config.Model, config.Model.Encoder);
        vid_teacher = VideoBranch(Teacher);
        vid_student = VideoBranch(student);
        vid_ae = new MaskedAutoencoder(vid_student.Backbone, model.Decoder, device);
        aud_teacher = AudioBranch(Teacher, config.Variant == XkdVariant.Mats ? vid_teacher.Backbone.Blocks : null);
        aud_student = AudioBranch(student, config.Variant == XkdVariant.Xkd ? null : vid_student.Backbone.Blocks);
        aud_ae = new MaskedAutoencoder(aud_student.Backbone, model.Decoder, device);
        vt2as_ce_loss = new CenteredCrossEntropy(model.Projector.Out, device);
        at2vs_ce_loss = new CenteredCrossEntropy(model.Projector.Out, device);
        RegisterComponents();
        Initialise(seed);
        if (XkdStep.Lowers(config, Device))
        {
            (var found, Kernels) = FusedKernels.On(Device, config.Train.Kernels, student.Dim, model.Decoder.Dim);
            Use(found);
        }
    }

    public PretrainConfig Config { get; }

    public Device Device { get; }

    /// <summary>Size of the teachers.</summary>
    public TransformerSection Teacher { get; }

    public Branch VideoTeacher => vid_teacher;

    public Branch VideoStudent => vid_student;

    public MaskedAutoencoder VideoAutoencoder => vid_ae;

    public Branch AudioTeacher => aud_teacher;

    public Branch AudioStudent => aud_student;

    public MaskedAutoencoder AudioAutoencoder => aud_ae;

    /// <summary>Centre of the video teacher's logits [1, K].</summary>
    public Tensor VideoCenter => vt2as_ce_loss.Center;

    /// <summary>Centre of the audio teacher's logits [1, K].</summary>
    public Tensor AudioCenter => at2vs_ce_loss.Center;

    /// <summary>The kernels that do what lies between bfloat16 products on a GPU, or why there are none.</summary>
    public string Kernels { get; } = "none: products are in float32";

    /// <summary>Compute terms of weight 0 as well, as the released code does: what its numbers are compared with.</summary>
    internal bool AllTerms { get; init; }

    /// <summary>One forward pass over a batch.</summary>
    /// <param name="input">The views and the masking noise.</param>
    /// <param name="temperatures">Of the distillation.</param>
    /// <param name="gather">All ranks' rows [R·n, K] for this rank's [n, K], where alignment compares those of all; null: its own.</param>
    public XkdOutput forward(XkdInput input, in KdTemperatures temperatures, Func<Tensor, Tensor>? gather = null)
    {
        using var scope = NewDisposeScope();
        var objective = Config.Objective;
        var terms = new TermList();

        // Students encode what the mask leaves of the global view, and decode what it took.
        var (crossModal, videoWeight, audioWeight) = (AllTerms || objective.CrossModal, objective.VideoReconstruction, objective.AudioReconstruction);
        var (videoLatent, reconVideo) = Reconstruct(vid_ae, input.Video[0], input.VideoNoise, objective.MaskVideo, crossModal, AllTerms || videoWeight > 0);
        var (audioLatent, reconAudio) = Reconstruct(aud_ae, input.Audio[0], input.AudioNoise, objective.MaskAudio, crossModal, AllTerms || audioWeight > 0);
        terms.Add("recon_video", videoWeight, reconVideo);
        terms.Add("recon_audio", audioWeight, reconAudio);
        if (!crossModal)
        {
            return terms.Output(scope, branches: null);
        }

        // Students also see the local views; teachers see one view, whole, refined by both modalities' attention.
        var videoStudent = Student(vid_student, videoLatent!, input.Video);
        var audioStudent = Student(aud_student, audioLatent!, input.Audio);
        var (videoTeacher, audioTeacher) = Teachers(Seen(input.Video), Seen(input.Audio));
        var branches = new BranchOutputs(videoStudent, audioStudent, videoTeacher, audioTeacher);

        var applied = objective.StudentTemperature == StudentTemperatureRule.AudioForBoth ? temperatures with { StudentVideo = temperatures.StudentAudio } : temperatures;

        // Each student learns what the other modality's teacher says.
        if (AllTerms || objective.Cmkd > 0)
        {
            terms.Add("kd_v2a", objective.Cmkd / 2, vt2as_ce_loss.Loss(audioStudent.Logits, videoTeacher.Logits, temperatures.StudentAudio, temperatures.TeacherVideo));
            terms.Add("kd_a2v", objective.Cmkd / 2, at2vs_ce_loss.Loss(videoStudent.Logits, audioTeacher.Logits, applied.StudentVideo, temperatures.TeacherAudio));
        }

        // The two domains are drawn together, students and teachers each among themselves; the teachers' term has no gradient.
        if (AllTerms || objective.Align > 0)
        {
            MmdTerms Align(BranchOutput video, BranchOutput audio) => MaximumMeanDiscrepancy.Gaussian(
                gather?.Invoke(video.Logits) ?? video.Logits, gather?.Invoke(audio.Logits) ?? audio.Logits, objective.MmdBandwidth);
            var students = Align(videoStudent, audioStudent);
            terms.Add("align_student", objective.Align / 2, students.Loss);
            terms.Add("align_teacher", objective.Align / 2, Align(videoTeacher, audioTeacher).Loss);
            terms.Watch(("mmd_kxx", students.Kxx), ("mmd_kyy", students.Kyy), ("mmd_kxy", students.Kxy));
        }

        terms.Watch(CollapseIndicators.Of(branches, VideoCenter, AudioCenter, applied));
        return terms.Output(scope, branches);
    }

    /// <summary>Does what lies between bfloat16 products by kernels, wherever widths allow.</summary>
    internal void Use(FusedKernels? fused)
    {
        kernels = fused;
        foreach (var transformer in modules().OfType<Transformer>().Where(static transformer => FusedKernels.IsFit(transformer.Options.Dim)))
        {
            transformer.Kernels = fused;
        }
    }

    /// <summary>Lets both centres follow the mean teacher outputs [2, 1, K], video first.</summary>
    internal void MoveCenters(Tensor means)
    {
        var momentum = Config.Objective.CenterMomentum;
        vt2as_ce_loss.MoveCenter(means[0], momentum[0]);
        at2vs_ce_loss.MoveCenter(means[1], momentum[1]);
    }

    /// <summary>Makes each teacher a copy of its student. Does nothing where their sizes differ.</summary>
    public void CopyStudentsToTeachers()
    {
        if (Teacher != Config.Model.Encoder)
        {
            return;
        }

        using var unrecorded = no_grad();
        foreach (var (teacher, student) in new[] { (vid_teacher, vid_student), (aud_teacher, aud_student) })
        {
            foreach (var ((_, to), (_, from)) in StateNames.Parameters(teacher).Zip(StateNames.Parameters(student)))
            {
                to.copy_(from);
            }
        }
    }

    private (Tensor? Latent, Tensor? Loss) Reconstruct(MaskedAutoencoder autoencoder, Tensor view, Tensor noise, double maskRatio, bool encode, bool decode)
    {
        if (!encode && !decode)
        {
            return (null, null);
        }

        var (latent, patches, masking) = autoencoder.Encode(view, noise, maskRatio); // [B, prefix + K, D]
        if (!decode)
        {
            return (latent, null);
        }

        var predicted = autoencoder.Decode(latent, masking, view); // [B, N, P]
        return (latent, PatchReconstruction.Loss(predicted, patches, masking.Mask, Config.Objective.NormPix, kernels));
    }

    private static BranchOutput Student(Branch student, Tensor latent, IReadOnlyList<Tensor> views)
    {
        if (views.Count < 2)
        {
            throw new UsageException("distillation and alignment need at least one local view per modality; add one, or set both weights to 0");
        }

        var local = views.Count == 2 ? views[1] : cat(views.Skip(1).ToArray(), 0); // [V·B, ..]
        return Project(student, cat([student.PatchMean(latent), student.PatchMean(student.Backbone.call(local))], 0)); // [(1 + V)·B, D]
    }

    private Tensor Seen(IReadOnlyList<Tensor> views) => Config.Objective.TeacherView == TeacherView.Global ? views[0] : views[1];

    private (BranchOutput Video, BranchOutput Audio) Teachers(Tensor video, Tensor audio)
    {
        using var unrecorded = no_grad();
        if (Config.Objective.Refinement == AttentionRefinement.None)
        {
            return (Project(vid_teacher, vid_teacher.PatchMean(vid_teacher.Backbone.call(video))),
                Project(aud_teacher, aud_teacher.PatchMean(aud_teacher.Backbone.call(audio))));
        }

        var (videoPatches, videoAttention) = Attended(vid_teacher.Backbone, video); // [B, N, D], [B, heads, N]
        var (audioPatches, audioAttention) = Attended(aud_teacher.Backbone, audio); // [B, M, D], [B, heads, M]
        var videoWeights = CrossModalAttention.Refine(videoAttention, audioAttention, Config.Objective.Refinement); // [B, heads, N]
        var audioWeights = CrossModalAttention.Refine(audioAttention, videoAttention, Config.Objective.Refinement); // [B, heads, M]
        return (Project(vid_teacher, CrossModalAttention.AlignFeatures(videoPatches, videoWeights).mean([1L])),
            Project(aud_teacher, CrossModalAttention.AlignFeatures(audioPatches, audioWeights).mean([1L])));
    }

    // A row per view, so it costs nothing to be exact; temperatures and kernels would make bfloat16's rounding of logits visible.
    private static BranchOutput Project(Branch branch, Tensor features)
    {
        using var exact = Autocast.Pause();
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

    private Branch VideoBranch(TransformerSection size) => new(
        new VideoViT(Config.VideoGeometry, size, Config.Model.ClassToken, sharedBlocks: null, Device),
        new Projector(size.Dim, Config.Model.Projector, Device));

    private Branch AudioBranch(TransformerSection size, Transformer? blocks) => new(
        new AudioViT(Config.AudioGeometry, size, Config.Model.ClassToken, blocks, Device),
        new Projector(size.Dim, Config.Model.Projector, Device));

    private void Initialise(ulong seed)
    {
        using var initialisation = new Initialisation(seed);
        nn.Module[] drawn = Teacher == Config.Model.Encoder
            ? [vid_student, vid_ae, aud_student, aud_ae]
            : [vid_student, vid_ae, aud_student, aud_ae, vid_teacher, aud_teacher];
        foreach (var module in drawn)
        {
            initialisation.Draw(module);
        }

        CopyStudentsToTeachers();
        foreach (var (_, parameter) in StateNames.Parameters(vid_teacher).Concat(StateNames.Parameters(aud_teacher)))
        {
            parameter.requires_grad = false;
        }
    }
}
