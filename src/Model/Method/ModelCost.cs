namespace Xkd.Model.Method;

/// <summary>
/// Parameters and matrix work of a configuration, without building it. The work is that of the published method, so that figures compare across
/// implementations: two operations per multiply-add of every matrix product, attention included, embeddings of all tokens although only visible ones are
/// computed here, and a backward pass of twice the students' forward less the embeddings' input gradients.
/// </summary>
public sealed record ModelCost
{
    private ModelCost(ParameterCount parameters, IReadOnlyList<ForwardPass> passes) =>
        (Parts, Trainable, Total, Passes) = (parameters.Parts, parameters.Trainable, parameters.Total, passes);

    /// <summary>Parameters by part; blocks shared between modalities stand under <c>shared_blocks</c>, a head counts its fixed magnitudes.</summary>
    public IReadOnlyDictionary<string, long> Parts { get; }

    /// <summary>Trained parameters.</summary>
    public long Trainable { get; }

    /// <summary>All parameters, the teachers' included.</summary>
    public long Total { get; }

    /// <summary>What one sample goes through, in the order of the step.</summary>
    public IReadOnlyList<ForwardPass> Passes { get; }

    /// <summary>Forward floating-point operations per sample.</summary>
    public double Forward => Passes.Sum(pass => pass.Forward);

    /// <summary>Backward floating-point operations per sample.</summary>
    public double Backward => Passes.Sum(pass => pass.Backward);

    /// <summary>Floating-point operations of training on one sample.</summary>
    public double FlopPerSample => Forward + Backward;

    /// <summary>The cost of a configuration.</summary>
    public static ModelCost Of(PretrainConfig config) => new(new ParameterCount(config), [.. Work(config)]);

    private static IEnumerable<ForwardPass> Work(PretrainConfig config)
    {
        var (data, model, objective, video, audio) = (config.Data, config.Model, config.Objective, config.VideoGeometry, config.AudioGeometry);
        var (encoder, prefix, crossModal) = (model.Encoder, model.ClassToken ? 1 : 0, objective.CrossModal);
        var head = Head(encoder.Dim, model.Projector);
        var (decodesVideo, decodesAudio) = (objective.VideoReconstruction > 0, objective.AudioReconstruction > 0);
        var videoVisible = RandomMasking.VisibleTokens(video.Tokens, objective.MaskVideo);
        var audioVisible = RandomMasking.VisibleTokens(audio.Tokens, objective.MaskAudio);
        ForwardPass Encoder(string name, int views, int tokens, int embedded, int patch) =>
            new(name, encoder, views, tokens + prefix, 0, 2.0 * views * embedded * patch * encoder.Dim, Trained: true);
        ForwardPass Decoder(string name, int tokens, int visible, int patch) => new(
            name, model.Decoder, 1, tokens + prefix,
            (encoder.Dim == model.Decoder.Dim ? 0 : 2.0 * (visible + prefix) * encoder.Dim * model.Decoder.Dim)
                + (model.Decoder.Dim == patch ? 0 : 2.0 * tokens * model.Decoder.Dim * patch),
            0, Trained: true);
        if (crossModal || decodesVideo)
        {
            yield return Encoder("video_masked", 1, videoVisible, video.Tokens, video.PatchDim);
        }

        if (crossModal || decodesAudio)
        {
            yield return Encoder("audio_masked", 1, audioVisible, audio.Tokens, audio.PatchDim);
        }

        if (decodesVideo)
        {
            yield return Decoder("video_decoder", video.Tokens, videoVisible, video.PatchDim);
        }

        if (decodesAudio)
        {
            yield return Decoder("audio_decoder", audio.Tokens, audioVisible, audio.PatchDim);
        }

        if (crossModal)
        {
            var videoLocal = video.Grid(data.LocalFrames, data.LocalSize, data.LocalSize).Tokens;
            var audioLocal = audio.Grid(audio.Mels, data.LocalMelFrames).Tokens;
            var (videoSeen, audioSeen) = objective.TeacherView == TeacherView.Global ? (video.Tokens, audio.Tokens) : (videoLocal, audioLocal);
            yield return Encoder("video_local", data.LocalVideoViews, videoLocal, videoLocal, video.PatchDim);
            yield return Encoder("audio_local", data.LocalAudioViews, audioLocal, audioLocal, audio.PatchDim);
            yield return new ForwardPass("heads", encoder, 0, 0, (2 + data.LocalVideoViews + data.LocalAudioViews) * head, 0, Trained: true);
            yield return Encoder("video_teacher", 1, videoSeen, videoSeen, video.PatchDim) with { Ends = head, Trained = false };
            yield return Encoder("audio_teacher", 1, audioSeen, audioSeen, audio.PatchDim) with { Ends = head, Trained = false };
        }
    }

    private static double Head(double dim, ProjectorSection head)
    {
        double end = head.Bottleneck > 0 ? head.Bottleneck : head.Out, hidden = head.Hidden;
        var mlp = head.Layers == 1 ? dim * end : (dim * hidden) + ((head.Layers - 2) * hidden * hidden) + (hidden * end);
        return 2 * (mlp + ((double)head.Bottleneck * head.Out));
    }
}

/// <summary>One sample's way through a stack of blocks: what it costs, in floating-point operations.</summary>
/// <param name="Name">Which.</param>
/// <param name="Size">Of the blocks.</param>
/// <param name="Views">Sequences of a sample.</param>
/// <param name="Tokens">Of a sequence, a class token included.</param>
/// <param name="Ends">Work of what comes before or after the blocks and has an input gradient.</param>
/// <param name="Embedding">Work of the embedding, which has none.</param>
/// <param name="Trained">With a backward pass.</param>
public sealed record ForwardPass(string Name, TransformerSection Size, int Views, int Tokens, double Ends, double Embedding, bool Trained)
{
    /// <summary>A decoder's: its ends are products as its blocks', where a head computes in float32.</summary>
    public bool IsDecoder => Name.EndsWith("_decoder", StringComparison.Ordinal);

    /// <summary>Tokens of a sample times blocks.</summary>
    public double TokenBlocks => (double)Views * Tokens * Size.Depth;

    /// <summary>Of all products but attention's.</summary>
    public double Products => (TokenBlocks * 2 * Size.Dim * ((4.0 * Size.Dim) + (2.0 * Size.HiddenDim))) + Ends + Embedding;

    /// <summary>Of attention: scores, and their sums of values.</summary>
    public double Attention => TokenBlocks * Tokens * 4 * Size.Dim;

    /// <summary>Of the forward pass.</summary>
    public double Forward => Products + Attention;

    /// <summary>Of the backward pass.</summary>
    public double Backward => Trained ? (2 * Forward) - Embedding : 0;
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
