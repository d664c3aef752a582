using Xkd.Model.Networks;

namespace Xkd.Model;

/// <summary>Parameters of a configuration, counted by formula.</summary>
internal sealed class ParameterCount
{
    private readonly XkdOptions options;

    public ParameterCount(XkdOptions options)
    {
        this.options = options;
        var (student, teacher) = (options.Student, options.Teacher);
        var (studentBlocks, teacherBlocks) = (Blocks(student), Blocks(teacher));
        var shareStudents = options.Variant != XkdVariant.Xkd;
        long head = Head(student.Dim), magnitudes = options.Projector is { BottleneckDim: > 0, FixedMagnitude: true } ? options.Projector.OutDim : 0;
        Parts = new Dictionary<string, long>(StringComparer.Ordinal)
        {
            ["video_backbone"] = Backbone(student, options.Video.PatchDim, options.Video.Tokens) + (shareStudents ? 0 : studentBlocks),
            ["audio_backbone"] = Backbone(student, options.Audio.PatchDim, options.Audio.Tokens) + (shareStudents ? 0 : studentBlocks),
            ["shared_blocks"] = shareStudents ? studentBlocks : 0,
            ["head"] = head,
            ["video_decoder"] = Decoder(options.Video.PatchDim, options.Video.Tokens),
            ["audio_decoder"] = Decoder(options.Audio.PatchDim, options.Audio.Tokens),
        };
        var students = Parts.Values.Sum() + head; // the second head
        Trainable = students - (2 * magnitudes);
        Total = students + Backbone(teacher, options.Video.PatchDim, options.Video.Tokens) + Backbone(teacher, options.Audio.PatchDim, options.Audio.Tokens)
            + (teacherBlocks * (options.Variant == XkdVariant.Mats ? 1 : 2)) + (2 * Head(teacher.Dim));
    }

    public IReadOnlyDictionary<string, long> Parts { get; }

    public long Trainable { get; }

    public long Total { get; }

    private int Prefix => options.ClassToken ? 1 : 0;

    private static long Linear(long inputs, long outputs) => (inputs * outputs) + outputs;

    private static long Blocks(TransformerOptions size)
    {
        long dim = size.Dim, hidden = size.HiddenDim;
        return size.Depth * ((3 * dim * dim) + Linear(dim, dim) + Linear(dim, hidden) + Linear(hidden, dim) + (4 * dim)); // two norms
    }

    private long Backbone(TransformerOptions size, long patchDim, long tokens) =>
        ((Prefix + tokens + Prefix) * size.Dim) + Linear(patchDim, size.Dim) + (2 * size.Dim); // class token, positions, embedding, final norm

    private long Head(long dim)
    {
        var head = options.Projector;
        long end = head.BottleneckDim > 0 ? head.BottleneckDim : head.OutDim, hidden = head.HiddenDim;
        var mlp = head.Layers == 1 ? Linear(dim, end) : Linear(dim, hidden) + ((head.Layers - 2) * Linear(hidden, hidden)) + Linear(hidden, end);
        return mlp + (head.HiddenNorm && head.Layers > 1 ? 2 * hidden : 0) + (head.BottleneckDim > 0 ? ((long)head.BottleneckDim * head.OutDim) + head.OutDim : 0);
    }

    private long Decoder(long patchDim, long tokens)
    {
        long dim = options.Decoder.Dim, encoderDim = options.Student.Dim;
        return ((Prefix + tokens + 1) * dim) + Blocks(options.Decoder)
            + (encoderDim == dim ? 0 : Linear(encoderDim, dim)) + (dim == patchDim ? 0 : Linear(dim, patchDim)); // positions, mask token
    }
}
