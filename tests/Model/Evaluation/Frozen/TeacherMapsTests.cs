using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Tests.Training;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Evaluation.Frozen;

public sealed class TeacherMapsTests
{
    [Fact]
    public async Task OfClipAsync_Run_GivesBothTeachersAttentionOnTheirPatchesAndItsRefinement()
    {
        using SmallRun run = new();
        await run.AddClipsAsync(0, 6);
        await run.TrainAsync(SmallRun.Config(), "run", 2);
        var cache = Cache.Open(run.Cache);
        using var encoder = FrozenEncoder.OpenRun(run.Run("run"), CPU, _ => { });
        var maps = await TeacherMaps.OfClipAsync(encoder, cache, cache.Clips[3], TestContext.Current.CancellationToken);

        Assert.Equal((2.0, 8.0, 16), (maps.Start, maps.Fps, maps.Size)); // 8 of 40 frames, centred
        Assert.Equal((4, 2, 2), (maps.Video!.Time, maps.Video.Rows, maps.Video.Columns));
        Assert.Equal((1, 2, 8), (maps.Audio!.Time, maps.Audio.Rows, maps.Audio.Columns));
        Assert.Equal((16, 16, 16 * 64), (maps.Video.Attention.Length, maps.Audio.Attention.Length, maps.Mel.Length));

        // A row of a softmax, less what goes to the class token itself.
        Assert.All(maps.Video.Attention, value => Assert.InRange(value, 0, 1));
        Assert.InRange(maps.Video.Attention.Sum(), 0.5, 1);
        (var video, var audio) = await ExpectedAsync(encoder, cache, clip: 3);
        Assert.All(video.Zip(maps.Video.Refined!), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.All(audio.Zip(maps.Audio.Refined!), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

        var files = TeacherMapPictures.Write(maps, run.Run("pictures"));
        Assert.Equal(["attention-frames.png", "attention-spectrogram.png"], files.Select(Path.GetFileName));
        Assert.All(files, file => Assert.Equal("PNG"u8.ToArray(), File.ReadAllBytes(file)[1..4]));
    }

    [Fact]
    public async Task OfClipAsync_NoClassToken_IsRefused()
    {
        using SmallRun run = new();
        await run.AddClipsAsync(0, 6);
        var cache = Cache.Open(run.Cache);
        var config = SmallRun.Config();
        config = config with { Model = config.Model with { ClassToken = false }, Objective = config.Objective with { Refinement = AttentionRefinement.None } };
        using var scope = TinyModel.Scope();
        using var encoder = FrozenEncoder.Untrained(config, cache.Manifest.Mel, CPU);
        var error = await Assert.ThrowsAsync<UsageException>(() => TeacherMaps.OfClipAsync(encoder, cache, cache.Clips[0], TestContext.Current.CancellationToken));
        Assert.Contains("class token", error.Message, StringComparison.Ordinal);
    }

    // What the objective weighs the teachers' patches by, averaged over heads.
    private static async Task<(float[] Video, float[] Audio)> ExpectedAsync(FrozenEncoder encoder, Cache cache, int clip)
    {
        await using ClipFeed feed = new(cache, encoder.OneWindow(clip));
        await foreach (var batch in feed.ReadEpochAsync(0, TestContext.Current.CancellationToken))
        {
            using (batch)
            using (NewDisposeScope())
            using (no_grad())
            {
                var video = encoder.Model.VideoTeacher.Backbone.ForwardWithClassAttention(tensor(batch.GlobalVideo!.Data).reshape(batch.GlobalVideo.Shape)).ClassAttention[.., .., 1..];
                var audio = encoder.Model.AudioTeacher.Backbone.ForwardWithClassAttention(tensor(batch.GlobalAudio!.Data).reshape(batch.GlobalAudio.Shape)).ClassAttention[.., .., 1..];
                return (Mean(CrossModalAttention.Refine(video, audio, AttentionRefinement.Mean)), Mean(CrossModalAttention.Refine(audio, video, AttentionRefinement.Mean)));
            }
        }

        throw new InvalidOperationException("the feed gave nothing");
    }

    private static float[] Mean(Tensor attention) => attention.mean([1L]).flatten().data<float>().ToArray();
}
