using Xkd.Model.Networks;
using Xkd.Model.Objectives;

namespace Xkd.Model;

/// <summary>
/// Parameters and matrix work of a configuration, without building it. The work is that of the published method, so that figures compare across
/// implementations: two operations per multiply-add of every matrix product, attention included, embeddings of all tokens although only visible ones are
/// computed here, and a backward pass of twice the students' forward less the embeddings' input gradients.
/// </summary>
public sealed record ModelCost
{
    private ModelCost(IReadOnlyDictionary<string, long> parts, long trainable, long total, IReadOnlyDictionary<string, double> forward, double backward) =>
        (Parts, Trainable, Total, ForwardParts, Backward) = (parts, trainable, total, forward, backward);

    /// <summary>Parameters by part; blocks shared between modalities stand under <c>shared_blocks</c>, a head counts its fixed magnitudes.</summary>
    public IReadOnlyDictionary<string, long> Parts { get; }

    /// <summary>Trained parameters.</summary>
    public long Trainable { get; }

    /// <summary>All parameters, the teachers' included.</summary>
    public long Total { get; }

    /// <summary>Forward floating-point operations per sample by part.</summary>
    public IReadOnlyDictionary<string, double> ForwardParts { get; }

    /// <summary>Forward floating-point operations per sample.</summary>
    public double Forward => ForwardParts.Values.Sum();

    /// <summary>Backward floating-point operations per sample.</summary>
    public double Backward { get; }

    /// <summary>Floating-point operations of training on one sample.</summary>
    public double FlopPerSample => Forward + Backward;

    /// <summary>The cost of a configuration with these local views.</summary>
    public static ModelCost Of(XkdOptions options, XkdLocalViews? views = null)
    {
        var parameters = new ParameterCount(options);
        var (forward, backward) = Work(options, views ?? new XkdLocalViews());
        return new ModelCost(parameters.Parts, parameters.Trainable, parameters.Total, forward, backward);
    }

    private static (Dictionary<string, double> Forward, double Backward) Work(XkdOptions options, XkdLocalViews views)
    {
        var plan = new ForwardPlan(options);
        var student = new Encoder(options.Student, options.ClassToken);
        var teacher = new Encoder(options.Teacher, options.ClassToken);
        var forward = new Dictionary<string, double>(StringComparer.Ordinal);
        var embeddings = 0.0;
        void Count(string name, bool needed, double blocks, double embedding, bool trained)
        {
            if (needed)
            {
                forward[name] = blocks + embedding;
                embeddings += trained ? embedding : 0;
            }
        }

        var (videoTokens, audioTokens) = (options.Video.Tokens, options.Audio.Tokens);
        var (videoVisible, audioVisible) = (RandomMasking.VisibleTokens(videoTokens, options.VideoMaskRatio), RandomMasking.VisibleTokens(audioTokens, options.AudioMaskRatio));
        Count("video_masked", plan.VideoEncoder, student.Blocks(videoVisible), student.Embedding(videoTokens, options.Video.PatchDim), trained: true);
        Count("audio_masked", plan.AudioEncoder, student.Blocks(audioVisible), student.Embedding(audioTokens, options.Audio.PatchDim), trained: true);
        Count("video_decoder", plan.VideoDecoder, Decoder(options, videoTokens, videoVisible, options.Video.PatchDim), 0, trained: true);
        Count("audio_decoder", plan.AudioDecoder, Decoder(options, audioTokens, audioVisible, options.Audio.PatchDim), 0, trained: true);
        if (plan.CrossModal)
        {
            var videoLocal = options.Video.Grid(views.Frames, views.Size, views.Size).Tokens;
            var audioLocal = options.Audio.Grid(options.Audio.Mels, views.MelFrames).Tokens;
            var (videoSeen, audioSeen) = options.TeacherView == TeacherView.Global ? (videoTokens, audioTokens) : (videoLocal, audioLocal);
            Count("video_local", true, views.Video * student.Blocks(videoLocal), views.Video * student.Embedding(videoLocal, options.Video.PatchDim), trained: true);
            Count("audio_local", true, views.Audio * student.Blocks(audioLocal), views.Audio * student.Embedding(audioLocal, options.Audio.PatchDim), trained: true);
            Count("heads", true, (2 + views.Video + views.Audio) * Head(options.Student.Dim, options.Projector), 0, trained: true);
            Count("video_teacher", true, teacher.Blocks(videoSeen) + Head(options.Teacher.Dim, options.Projector), teacher.Embedding(videoSeen, options.Video.PatchDim), trained: false);
            Count("audio_teacher", true, teacher.Blocks(audioSeen) + Head(options.Teacher.Dim, options.Projector), teacher.Embedding(audioSeen, options.Audio.PatchDim), trained: false);
        }

        var students = forward.Where(part => !part.Key.EndsWith("_teacher", StringComparison.Ordinal)).Sum(part => part.Value);
        return (forward, (2 * students) - embeddings);
    }

    private static double Decoder(XkdOptions options, double tokens, double visible, double patchDim)
    {
        var prefix = options.ClassToken ? 1 : 0;
        var (dim, encoderDim) = (options.Decoder.Dim, options.Student.Dim);
        return (encoderDim == dim ? 0 : 2 * (visible + prefix) * encoderDim * dim)
            + new Encoder(options.Decoder, options.ClassToken).Blocks(tokens)
            + (dim == (int)patchDim ? 0 : 2 * tokens * dim * patchDim);
    }

    private static double Head(double dim, ProjectorOptions head)
    {
        double end = head.BottleneckDim > 0 ? head.BottleneckDim : head.OutDim, hidden = head.HiddenDim;
        var mlp = head.Layers == 1 ? dim * end : (dim * hidden) + ((head.Layers - 2) * hidden * hidden) + (hidden * end);
        return 2 * (mlp + ((double)head.BottleneckDim * head.OutDim));
    }

    private readonly record struct Encoder(TransformerOptions Size, bool ClassToken)
    {
        public double Blocks(double tokens)
        {
            double n = tokens + (ClassToken ? 1 : 0), dim = Size.Dim;
            return Size.Depth * ((2 * n * dim * ((4 * dim) + (2.0 * Size.HiddenDim))) + (4 * n * n * dim));
        }

        public double Embedding(double tokens, double patchDim) => 2 * tokens * patchDim * Size.Dim;
    }
}
