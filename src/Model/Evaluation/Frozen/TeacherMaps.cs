using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>Where one teacher looks: one value for each of its patches, averaged over heads.</summary>
/// <param name="Time">Steps in time; 1 for a spectrogram, whose time is its columns.</param>
/// <param name="Rows">Rows of patches: height, or mel bands, the lowest first.</param>
/// <param name="Columns">Columns of patches: width, or time.</param>
/// <param name="Attention">The last block's attention of the class token, [time, rows, columns].</param>
/// <param name="Refined">The same refined by the other modality's, as the objective weighs patches; null where nothing refines it.</param>
public sealed record AttentionMap(int Time, int Rows, int Columns, float[] Attention, float[]? Refined);

/// <summary>What both teachers see of one clip's centred window, and where they look: for people to look at.</summary>
public sealed record TeacherMaps
{
    /// <summary>Seconds from the beginning of the source to the window.</summary>
    public required double Start { get; init; }

    /// <summary>Frames a second.</summary>
    public required double Fps { get; init; }

    /// <summary>Height and width of a frame, pixels.</summary>
    public int Size { get; init; }

    /// <summary>rgb24 [frames, size, size, 3]; empty without video.</summary>
    public byte[] Frames { get; init; } = [];

    /// <summary>Where the video teacher looks; null without video.</summary>
    public AttentionMap? Video { get; init; }

    /// <summary>Bands of the spectrogram.</summary>
    public int Mels { get; init; }

    /// <summary>Normalised log-mel [mels, frames]; empty without audio.</summary>
    public float[] Mel { get; init; } = [];

    /// <summary>Where the audio teacher looks; null without audio.</summary>
    public AttentionMap? Audio { get; init; }

    /// <summary>The maps of a clip. One that lacks a modality has the other's attention, which nothing then refines.</summary>
    /// <exception cref="UsageException">The cache does not fit the encoder, or its teachers have no class token.</exception>
    public static async Task<TeacherMaps> OfClipAsync(FrozenEncoder encoder, Cache cache, ClipEntry clip, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(clip);
        if (!encoder.Model.Config.Model.ClassToken)
        {
            throw new UsageException("these teachers have no class token (model.class_token: false), and with it no class attention to show");
        }

        bool video = clip.NumFrames > 0, audio = clip.MelFrames > 0 || clip.NumSamples > 0;
        var modalities = video && audio ? Modalities.Both : video ? Modalities.Video : Modalities.Audio;
        var window = encoder.OneWindow(cache.Clips.Index().First(c => c.Item == clip).Index, modalities);
        var before = video ? Math.Max(0, clip.NumFrames - window.Frames) / 2 / clip.Fps : 0; // as the feed centres it: on a whole frame
        TeacherMaps? maps = null;
        await OwnThread.RunAsync(() => EncoderFeatures.ForEachBatch(cache, window, batch => maps ??= Of(encoder.Model, batch), stop));
        return maps is not null
            ? maps with { Start = clip.Start + before, Fps = window.Fps }
            : throw new UsageException($"{cache.Path} gave no window of {clip.Id}");
    }

    /// <summary>The maps of the first window of a batch.</summary>
    internal static TeacherMaps Of(XkdModel model, HostBatch batch)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor? video = Input(batch.GlobalVideo, model.Device), audio = Input(batch.GlobalAudio, model.Device); // [1, 3, T, H, W], [1, 1, M, F]
        var videoOwn = video is null ? null : Attention(model.VideoTeacher, video); // [1, heads, N]
        var audioOwn = audio is null ? null : Attention(model.AudioTeacher, audio); // [1, heads, N]
        var maps = new TeacherMaps() { Start = 0, Fps = 0 };
        if (video is not null)
        {
            var grid = model.Config.VideoGeometry.Grid(video.shape[2], video.shape[3], video.shape[4]);
            maps = maps with
            {
                Size = (int)video.shape[4],
                Frames = MaskedReconstruction.Rgb(video[0]),
                Video = new AttentionMap(grid.Time, grid.Rows, grid.Columns, HeadMean(videoOwn!), Refined(videoOwn!, audioOwn, model.Config.Objective.Refinement)),
            };
        }

        if (audio is not null)
        {
            var grid = model.Config.AudioGeometry.Grid(audio.shape[2], audio.shape[3]);
            maps = maps with
            {
                Mels = (int)audio.shape[2],
                Mel = audio.flatten().cpu().data<float>().ToArray(),
                Audio = new AttentionMap(1, grid.Bands, grid.Time, HeadMean(audioOwn!), Refined(audioOwn!, videoOwn, model.Config.Objective.Refinement)),
            };
        }

        return maps;
    }

    private static Tensor? Input(HostView<float>? view, Device device) => view is null ? null : HostTensors.Rows(view, 1, device);

    private static Tensor Attention(Branch teacher, Tensor input)
    {
        var all = teacher.Backbone.ForwardWithClassAttention(input).ClassAttention; // [1, heads, prefix + N]
        return all.narrow(2, teacher.Backbone.Prefix, all.shape[2] - teacher.Backbone.Prefix);
    }

    private static float[]? Refined(Tensor own, Tensor? other, AttentionRefinement mode) =>
        other is null || mode == AttentionRefinement.None ? null : HeadMean(CrossModalAttention.Refine(own, other, mode));

    private static float[] HeadMean(Tensor attention) => attention.mean([1L]).flatten().cpu().data<float>().ToArray(); // [N]
}
