namespace Xkd.Model.Method;

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

    /// <summary>The cost of a configuration.</summary>
    public static ModelCost Of(PretrainConfig config)
    {
        var parameters = new ParameterCount(config);
        var (forward, backward) = Work(config);
        return new ModelCost(parameters.Parts, parameters.Trainable, parameters.Total, forward, backward);
    }

    private static (Dictionary<string, double> Forward, double Backward) Work(PretrainConfig config)
    {
        var (data, objective, video, audio) = (config.Data, config.Objective, config.VideoGeometry, config.AudioGeometry);
        var (student, teacher) = (new Encoder(config.Model.Encoder, config.Model.ClassToken), new Encoder(config.Model.Encoder, config.Model.ClassToken));
        var (projector, dim, crossModal) = (config.Model.Projector, config.Model.Encoder.Dim, objective.CrossModal);
        var (decodesVideo, decodesAudio) = (objective.VideoReconstruction > 0, objective.AudioReconstruction > 0);
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

        var (videoTokens, audioTokens) = (video.Tokens, audio.Tokens);
        var (videoVisible, audioVisible) = (RandomMasking.VisibleTokens(videoTokens, objective.MaskVideo), RandomMasking.VisibleTokens(audioTokens, objective.MaskAudio));
        Count("video_masked", crossModal || decodesVideo, student.Blocks(videoVisible), student.Embedding(videoTokens, video.PatchDim), trained: true);
        Count("audio_masked", crossModal || decodesAudio, student.Blocks(audioVisible), student.Embedding(audioTokens, audio.PatchDim), trained: true);
        Count("video_decoder", decodesVideo, Decoder(config, videoTokens, videoVisible, video.PatchDim), 0, trained: true);
        Count("audio_decoder", decodesAudio, Decoder(config, audioTokens, audioVisible, audio.PatchDim), 0, trained: true);
        if (crossModal)
        {
            var videoLocal = video.Grid(data.LocalFrames, data.LocalSize, data.LocalSize).Tokens;
            var audioLocal = audio.Grid(audio.Mels, data.LocalMelFrames).Tokens;
            var (videoSeen, audioSeen) = objective.TeacherView == TeacherView.Global ? (videoTokens, audioTokens) : (videoLocal, audioLocal);
            Count("video_local", true, data.LocalVideoViews * student.Blocks(videoLocal), data.LocalVideoViews * student.Embedding(videoLocal, video.PatchDim), trained: true);
            Count("audio_local", true, data.LocalAudioViews * student.Blocks(audioLocal), data.LocalAudioViews * student.Embedding(audioLocal, audio.PatchDim), trained: true);
            Count("heads", true, (2 + data.LocalVideoViews + data.LocalAudioViews) * Head(dim, projector), 0, trained: true);
            Count("video_teacher", true, teacher.Blocks(videoSeen) + Head(dim, projector), teacher.Embedding(videoSeen, video.PatchDim), trained: false);
            Count("audio_teacher", true, teacher.Blocks(audioSeen) + Head(dim, projector), teacher.Embedding(audioSeen, audio.PatchDim), trained: false);
        }

        var students = forward.Where(part => !part.Key.EndsWith("_teacher", StringComparison.Ordinal)).Sum(part => part.Value);
        return (forward, (2 * students) - embeddings);
    }

    private static double Decoder(PretrainConfig config, double tokens, double visible, double patchDim)
    {
        var prefix = config.Model.ClassToken ? 1 : 0;
        var (dim, encoderDim) = (config.Model.Decoder.Dim, config.Model.Encoder.Dim);
        return (encoderDim == dim ? 0 : 2 * (visible + prefix) * encoderDim * dim)
            + new Encoder(config.Model.Decoder, config.Model.ClassToken).Blocks(tokens)
            + (dim == (int)patchDim ? 0 : 2 * tokens * dim * patchDim);
    }

    private static double Head(double dim, ProjectorSection head)
    {
        double end = head.Bottleneck > 0 ? head.Bottleneck : head.Out, hidden = head.Hidden;
        var mlp = head.Layers == 1 ? dim * end : (dim * hidden) + ((head.Layers - 2) * hidden * hidden) + (hidden * end);
        return 2 * (mlp + ((double)head.Bottleneck * head.Out));
    }

    private readonly record struct Encoder(TransformerSection Size, bool ClassToken)
    {
        public double Blocks(double tokens)
        {
            double n = tokens + (ClassToken ? 1 : 0), dim = Size.Dim;
            return Size.Depth * ((2 * n * dim * ((4 * dim) + (2.0 * Size.HiddenDim))) + (4 * n * n * dim));
        }

        public double Embedding(double tokens, double patchDim) => 2 * tokens * patchDim * Size.Dim;
    }
}

/// <summary>Parameters of a configuration, counted by formula.</summary>
internal sealed class ParameterCount
{
    private readonly PretrainConfig config;

    public ParameterCount(PretrainConfig config)
    {
        this.config = config;
        var (size, projector, video, audio) = (config.Model.Encoder, config.Model.Projector, config.VideoGeometry, config.AudioGeometry);
        var (blocks, shareStudents) = (Blocks(size), config.Variant != XkdVariant.Xkd);
        long head = Head(size.Dim), magnitudes = projector is { Bottleneck: > 0, FixedMagnitude: true } ? projector.Out : 0;
        Parts = new Dictionary<string, long>(StringComparer.Ordinal)
        {
            ["video_backbone"] = Backbone(size, video.PatchDim, video.Tokens) + (shareStudents ? 0 : blocks),
            ["audio_backbone"] = Backbone(size, audio.PatchDim, audio.Tokens) + (shareStudents ? 0 : blocks),
            ["shared_blocks"] = shareStudents ? blocks : 0,
            ["head"] = head,
            ["video_decoder"] = Decoder(video.PatchDim, video.Tokens),
            ["audio_decoder"] = Decoder(audio.PatchDim, audio.Tokens),
        };
        var students = Parts.Values.Sum() + head; // the second head
        Trainable = students - (2 * magnitudes);
        Total = students + Backbone(size, video.PatchDim, video.Tokens) + Backbone(size, audio.PatchDim, audio.Tokens)
            + (blocks * (config.Variant == XkdVariant.Mats ? 1 : 2)) + (2 * Head(size.Dim));
    }

    public IReadOnlyDictionary<string, long> Parts { get; }

    public long Trainable { get; }

    public long Total { get; }

    private int Prefix => config.Model.ClassToken ? 1 : 0;

    private static long Linear(long inputs, long outputs) => (inputs * outputs) + outputs;

    private static long Blocks(TransformerSection size)
    {
        long dim = size.Dim, hidden = size.HiddenDim;
        return size.Depth * ((3 * dim * dim) + Linear(dim, dim) + Linear(dim, hidden) + Linear(hidden, dim) + (4 * dim)); // two norms
    }

    private long Backbone(TransformerSection size, long patchDim, long tokens) =>
        ((Prefix + tokens + Prefix) * size.Dim) + Linear(patchDim, size.Dim) + (2 * size.Dim); // class token, positions, embedding, final norm

    private long Head(long dim)
    {
        var head = config.Model.Projector;
        long end = head.Bottleneck > 0 ? head.Bottleneck : head.Out, hidden = head.Hidden;
        var mlp = head.Layers == 1 ? Linear(dim, end) : Linear(dim, hidden) + ((head.Layers - 2) * Linear(hidden, hidden)) + Linear(hidden, end);
        return mlp + (head.HiddenNorm && head.Layers > 1 ? 2 * hidden : 0) + (head.Bottleneck > 0 ? ((long)head.Bottleneck * head.Out) + head.Out : 0);
    }

    private long Decoder(long patchDim, long tokens)
    {
        long dim = config.Model.Decoder.Dim, encoderDim = config.Model.Encoder.Dim;
        return ((Prefix + tokens + 1) * dim) + Blocks(config.Model.Decoder)
            + (encoderDim == dim ? 0 : Linear(encoderDim, dim)) + (dim == patchDim ? 0 : Linear(dim, patchDim)); // positions, mask token
    }
}
