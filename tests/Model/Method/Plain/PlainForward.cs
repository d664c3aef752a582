using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Method;

#pragma warning disable RS0030 // formulas as they are written

/// <summary>
/// The forward pass as the formulas have it and nothing saved: every token is embedded and goes through every block, hidden ones are masked out of
/// attention and of means, attention maps and the cross-modal map are built in full. Uses another model's parameters by their names.
/// </summary>
internal sealed class PlainForward(XkdModel model)
{
    private const double CenterMomentum = 0.9;

    private readonly Dictionary<string, Tensor> _values = StateNames.StateDict(model).ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal);
    private readonly PretrainConfig _config = model.Config;
    private Tensor _videoCenter = zeros(1, model.Config.Model.Projector.Out), _audioCenter = zeros(1, model.Config.Model.Projector.Out);

    public Tensor Loss(XkdInput input, KdTemperatures t)
    {
        var (videoRecon, videoGlobal) = Student("vid", model.VideoStudent.Backbone, input.Video[0], input.VideoNoise, _config.Objective.MaskVideo);
        var (audioRecon, audioGlobal) = Student("aud", model.AudioStudent.Backbone, input.Audio[0], input.AudioNoise, _config.Objective.MaskAudio);
        var videoStudent = model.VideoStudent.Head.call(cat([videoGlobal, PatchMean(Encode("vid_student", model.VideoStudent.Backbone, input.Video[1]).Tokens)], 0));
        var audioStudent = model.AudioStudent.Head.call(cat([audioGlobal, PatchMean(Encode("aud_student", model.AudioStudent.Backbone, input.Audio[1]).Tokens)], 0));
        var (videoTeacher, audioTeacher) = Teachers(input.Video[0], input.Audio[0]);
        var v2a = Distil(audioStudent, videoTeacher, _videoCenter, t.StudentAudio, t.TeacherVideo);
        var a2v = Distil(videoStudent, audioTeacher, _audioCenter, t.StudentVideo, t.TeacherAudio);
        (_videoCenter, _audioCenter) = (Moved(_videoCenter, videoTeacher), Moved(_audioCenter, audioTeacher));
        var align = (MaximumMeanDiscrepancy.Gaussian(videoStudent, audioStudent).Loss + MaximumMeanDiscrepancy.Gaussian(videoTeacher, audioTeacher).Loss).Div(2);
        return (align.to(ScalarType.Float32) + (v2a + a2v).Div(2) + (videoRecon + audioRecon).Mul(2.5)).Div(7);
    }

    /// <summary>Takes the centres out of the step's scope.</summary>
    public void Keep() => (_videoCenter, _audioCenter) = (_videoCenter.DetachFromDisposeScope(), _audioCenter.DetachFromDisposeScope());

    private (Tensor Recon, Tensor Global) Student(string modality, ViT backbone, Tensor view, Tensor noise, double ratio)
    {
        var hidden = RandomMasking.Draw(noise, ratio).Mask; // [B, N]
        var (latent, _) = Encode($"{modality}_student", backbone, view, hidden); // [B, 1 + N, D]
        var shown = hidden.RSub(1).unsqueeze(-1); // [B, N, 1]
        var tokens = latent.narrow(1, 1, hidden.shape[1]);
        var ae = $"{modality}_ae";
        var x = Project($"{ae}.mid_proj", latent); // [B, 1 + N, d]
        var patches = (x.narrow(1, 1, hidden.shape[1]) * shown) + (_values[$"{ae}.mask_token"] * hidden.unsqueeze(-1));
        x = cat([x.narrow(1, 0, 1), patches], 1) + _values[$"{ae}.dec_pos_embed"];
        x = Blocks($"{ae}.decoder", _config.Model.Decoder, x, null).Output;
        var predicted = Project($"{ae}.out_proj", x).narrow(1, 1, hidden.shape[1]); // [B, N, P]
        var target = backbone.Patchify(view);
        target = (target - target.mean([-1L], keepdim: true)) / target.var(-1, unbiased: true, keepdim: true).Add(1e-6).sqrt();
        return (((predicted - target).square().mean([-1L]) * hidden).sum() / hidden.sum(), (tokens * shown).sum(1) / shown.sum(1));
    }

    private (Tensor Video, Tensor Audio) Teachers(Tensor video, Tensor audio)
    {
        using var unrecorded = no_grad();
        var (v, videoMap) = Encode("vid_teacher", model.VideoTeacher.Backbone, video);
        var (a, audioMap) = Encode("aud_teacher", model.AudioTeacher.Backbone, audio);
        Tensor own = ClassRow(videoMap), other = ClassRow(audioMap); // [B, heads, N], [B, heads, M]
        return (model.VideoTeacher.Head.call(Refined(v, own, other)), model.AudioTeacher.Head.call(Refined(a, other, own)));

        static Tensor ClassRow(Tensor map) => map.select(2, 0).narrow(2, 1, map.shape[3] - 1);
    }

    private static Tensor Refined(Tensor tokens, Tensor own, Tensor other)
    {
        var patches = tokens.narrow(1, 1, tokens.shape[1] - 1); // [B, N, D]
        var map = own.unsqueeze(-1) * other.unsqueeze(-2); // [B, heads, N, M]
        var weights = (map.mean([-1L]) / own.mean([-1L], keepdim: true)).mean([1L]).unsqueeze(-1); // [B, N, 1]
        var weighted = patches * weights;
        var before = patches.mean([1L], keepdim: true).norm(-1, keepdim: true, p: 2);
        var after = weighted.mean([1L], keepdim: true).norm(-1, keepdim: true, p: 2);
        return (weighted * (before / after)).mean([1L]);
    }

    private static Tensor Distil(Tensor student, Tensor teacher, Tensor center, double studentTemperature, double teacherTemperature)
    {
        var target = softmax((teacher - center).Div(teacherTemperature), -1);
        var views = student.chunk(student.shape[0] / teacher.shape[0], 0).Select(view => -(target * nn.functional.log_softmax(view.Div(studentTemperature), -1)).sum(-1).mean()).ToArray();
        return views.Aggregate((sum, view) => sum + view).Div(views.Length);
    }

    private static Tensor Moved(Tensor center, Tensor teacher) => center.Mul(CenterMomentum) + teacher.mean([0L], keepdim: true).Mul(1 - CenterMomentum);

    private (Tensor Tokens, Tensor Attention) Encode(string branch, ViT backbone, Tensor view, Tensor? hidden = null)
    {
        var name = $"{branch}.backbone";
        var embedding = _values.Keys.First(key => key.StartsWith(name, StringComparison.Ordinal) && key.EndsWith(".proj.weight", StringComparison.Ordinal) && !key.Contains(".attn.", StringComparison.Ordinal));
        var x = Project(embedding[..^".weight".Length], backbone.Patchify(view)); // [B, N, D]
        x = cat([_values[$"{name}.cls_token"].expand(x.shape[0], -1, -1), x], 1) + backbone.PositionsFor(view); // [B, 1 + N, D]
        var unseen = hidden is null ? null : cat([zeros(x.shape[0], 1), hidden], 1); // [B, 1 + N]
        var (tokens, attention) = Blocks($"{name}.encoder", backbone.Options, x, unseen);
        return (Norm($"{name}.encoder_norm", tokens), attention);
    }

    private (Tensor Output, Tensor Attention) Blocks(string name, TransformerSection options, Tensor x, Tensor? unseen)
    {
        Tensor? attention = null;
        for (var i = 0; i < options.Depth; i++)
        {
            var block = $"{name}.blocks.{i}";
            var heads = Project($"{block}.attn.qkv", Norm($"{block}.norm1", x)).view(x.shape[0], x.shape[1], 3, options.Heads, -1).permute(2, 0, 3, 1, 4).unbind(0); // 3 x [B, heads, N, d]
            var scores = heads[0].matmul(heads[1].transpose(-2, -1)).Div(Math.Sqrt(heads[0].shape[^1])); // [B, heads, N, N]
            attention = softmax(unseen is null ? scores : scores - unseen.view(x.shape[0], 1, 1, -1).Mul(1e9), -1);
            x = x + Project($"{block}.attn.proj", attention.matmul(heads[2]).transpose(1, 2).flatten(2));
            x = x + Project($"{block}.mlp.fc2", nn.functional.gelu(Project($"{block}.mlp.fc1", Norm($"{block}.norm2", x))));
        }

        return (x, attention!);
    }

    private Tensor Project(string name, Tensor x)
    {
        var y = x.matmul(_values[$"{name}.weight"].t());
        return _values.TryGetValue($"{name}.bias", out var bias) ? y + bias : y;
    }

    private Tensor Norm(string name, Tensor x)
    {
        var centred = x - x.mean([-1L], keepdim: true);
        return (centred / centred.square().mean([-1L], keepdim: true).Add(1e-5).sqrt() * _values[$"{name}.weight"]) + _values[$"{name}.bias"];
    }

    private static Tensor PatchMean(Tensor tokens) => tokens.narrow(1, 1, tokens.shape[1] - 1).mean([1L]);
}
