using Xkd.Model.Networks;
using Xkd.Model.Objectives;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>
/// XKD: two students reconstruct what was masked from them and learn from the other modality's teacher. Names of all tensors are the official
/// state-dict names, see <see cref="StateNames"/>.
/// </summary>
public sealed partial class XkdModel : nn.Module
{
    private readonly Branch vid_teacher;
    private readonly Branch vid_student;
    private readonly MaskedAutoencoder vid_ae;
    private readonly Branch aud_teacher;
    private readonly Branch aud_student;
    private readonly MaskedAutoencoder aud_ae;
    private readonly CenteredCrossEntropy vt2as_ce_loss;
    private readonly CenteredCrossEntropy at2vs_ce_loss;

    /// <summary>Builds the networks on a device, draws the students from a seed and copies them to the teachers.</summary>
    /// <exception cref="UsageException">The options are not valid; every problem is named.</exception>
    public XkdModel(XkdOptions options, ulong seed = 0, Device? device = null)
        : base(nameof(XkdModel))
    {
        options.Validate();
        Options = options;
        Device = device ?? CPU;
        vid_teacher = VideoBranch(options.Teacher);
        vid_student = VideoBranch(options.Student);
        vid_ae = new MaskedAutoencoder(vid_student.Backbone, options.Decoder, device);
        aud_teacher = AudioBranch(options.Teacher, options.Variant == XkdVariant.Mats ? vid_teacher.Backbone.Blocks : null);
        aud_student = AudioBranch(options.Student, options.Variant == XkdVariant.Xkd ? null : vid_student.Backbone.Blocks);
        aud_ae = new MaskedAutoencoder(aud_student.Backbone, options.Decoder, device);
        vt2as_ce_loss = new CenteredCrossEntropy(options.Projector.OutDim, options.VideoCenterMomentum, device);
        at2vs_ce_loss = new CenteredCrossEntropy(options.Projector.OutDim, options.AudioCenterMomentum, device);
        register_module(nameof(vid_teacher), vid_teacher);
        register_module(nameof(vid_student), vid_student);
        register_module(nameof(vid_ae), vid_ae);
        register_module(nameof(aud_teacher), aud_teacher);
        register_module(nameof(aud_student), aud_student);
        register_module(nameof(aud_ae), aud_ae);
        register_module(nameof(vt2as_ce_loss), vt2as_ce_loss);
        register_module(nameof(at2vs_ce_loss), at2vs_ce_loss);
        Initialise(seed);
    }

    public XkdOptions Options { get; }

    /// <summary>Where the model lives; it stays there, because an optimizer keeps its parameters as views of flat buffers.</summary>
    public Device Device { get; }

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

    /// <summary>One forward pass over a batch. The centres move (also without gradients), nothing else changes.</summary>
    public XkdTerms forward(XkdInput input, in KdTemperatures temperatures)
    {
        using var scope = NewDisposeScope();

        // Students encode what the mask leaves of the global view, and decode what it took.
        var (videoLatent, reconVideo) = Reconstruct(vid_ae, input.Video[0], input.VideoNoise, Options.VideoMaskRatio, Plan.VideoEncoder, Plan.VideoDecoder);
        var (audioLatent, reconAudio) = Reconstruct(aud_ae, input.Audio[0], input.AudioNoise, Options.AudioMaskRatio, Plan.AudioEncoder, Plan.AudioDecoder);
        if (!Plan.CrossModal)
        {
            return Combine(scope, new TermParts(reconVideo, reconAudio));
        }

        // Students also see the local views; teachers see one view, whole, refined by both modalities' attention.
        var videoStudent = Student(vid_student, videoLatent!, input.Video);
        var audioStudent = Student(aud_student, audioLatent!, input.Audio);
        var (videoTeacher, audioTeacher) = Teachers(TeacherView(input.Video), TeacherView(input.Audio));

        // Each student learns what the other modality's teacher says.
        var videoTemperature = Options.StudentTemperature == StudentTemperatureRule.AudioForBoth ? temperatures.StudentAudio : temperatures.StudentVideo;
        var v2a = vt2as_ce_loss.Loss(audioStudent.Logits, videoTeacher.Logits, temperatures.StudentAudio, temperatures.TeacherVideo);
        var a2v = at2vs_ce_loss.Loss(videoStudent.Logits, audioTeacher.Logits, videoTemperature, temperatures.TeacherAudio);

        // The two domains are drawn together, students and teachers each among themselves.
        var students = Plan.Alignment ? MaximumMeanDiscrepancy.Gaussian(Aligned(videoStudent), Aligned(audioStudent), Options.Bandwidth, Options.Gammas) : null;
        var teachers = Plan.Alignment ? MaximumMeanDiscrepancy.Gaussian(Aligned(videoTeacher), Aligned(audioTeacher), Options.Bandwidth, Options.Gammas) : null;

        return Combine(scope, new TermParts(reconVideo, reconAudio)
        {
            KdV2A = v2a, KdA2V = a2v, AlignStudent = students, AlignTeacher = teachers,
            VideoStudent = videoStudent, AudioStudent = audioStudent, VideoTeacher = videoTeacher, AudioTeacher = audioTeacher,
        });
    }
}
