using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Pictures and sounds of clips as vectors of one space, in which a sound finds its pictures and a picture its sounds. Distillation makes that space: a student's
/// logits say what the other modality's teacher says of the same clip.
/// </summary>
public static class SharedSpace
{
    private const int Batch = 16;

    /// <summary>
    /// One vector of two times <c>model.projector.out</c> a clip and modality: of a picture what the video student and the video teacher say, of a sound what the audio
    /// teacher and the audio student say, each less its mean over the clips and of unit length. So the cosine compares each student with the teacher it learned from.
    /// </summary>
    /// <param name="model">A model that was trained with distillation.</param>
    /// <param name="cache">Clips with both modalities; of each the centred window is seen.</param>
    /// <param name="stop">Ends it between batches.</param>
    /// <exception cref="UsageException">The cache does not fit the model.</exception>
    public static Task<(FeatureSet Video, FeatureSet Audio)> OfAsync(FrozenEncoder model, Cache cache, CancellationToken stop) => OwnThread.RunAsync(() =>
    {
        List<Tensor> video = [], audio = [];
        using var kept = NewDisposeScope();
        EncoderFeatures.ForEachBatch(cache, model.OneWindow(0) with { BatchSize = Batch, Clips = [.. Enumerable.Range(0, cache.Clips.Count)] }, batch =>
        {
            using var scope = NewDisposeScope();
            using var frozen = no_grad();
            var (network, device) = (model.Model, model.Model.Device);
            Tensor pictures = HostTensors.Rows(batch.GlobalVideo!, batch.Size, device), sounds = HostTensors.Rows(batch.GlobalAudio!, batch.Size, device);
            video.Add(scope.MoveToOuter(stack([Logits(network.VideoStudent, pictures), Logits(network.VideoTeacher, pictures)]))); // [2, B, K]
            audio.Add(scope.MoveToOuter(stack([Logits(network.AudioTeacher, sounds), Logits(network.AudioStudent, sounds)]))); // [2, B, K]
        }, stop);

        string[] classes = [.. cache.Clips.Where(clip => clip.Label is not null).Select(clip => clip.Label!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        FeatureSet Of(List<Tensor> batches)
        {
            var all = cat([.. batches], 1); // [2, N, K]
            var joined = cat([.. nn.functional.normalize(all - all.mean([1L], keepdim: true), p: 2, dim: -1).unbind(0)], 1).cpu(); // [N, 2 K]
            return new FeatureSet
            {
                Ids = [.. cache.Clips.Select(clip => clip.Id)],
                Labels = [.. cache.Clips.Select(clip => clip.Label is null ? -1 : Array.BinarySearch(classes, clip.Label, StringComparer.Ordinal))],
                ClassNames = classes,
                Windows = 1,
                Dim = (int)joined.shape[1],
                Vectors = joined.data<float>().ToArray(),
            };
        }

        return (Of(video), Of(audio));
    });

    private static Tensor Logits(Branch branch, Tensor view) => branch.Head.call(branch.PatchMean(branch.Backbone.call(view))); // [B, K]
}
