using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class ClipAugmentationTests
{
    private static readonly AugmentationOptions s_recipe = new()
    {
        LocalVideo = VideoViewOptions.Local with { Views = 3 },
        LocalAudio = SpectrogramViewOptions.Local with { TimeWarpWindow = 5, FrequencyMasks = 2, TimeMasks = 2 },
    };

    [Fact]
    public void Draw_SameKey_DrawsTheSame()
    {
        var key = new SampleKey(7, 3, 41);
        ClipAugmentation first = Draw(s_recipe, key), second = Draw(s_recipe, key);
        Assert.Equivalent(first, second, strict: true);
        Assert.Equal(4, first.Video.Count);
        Assert.Equal(2, first.Audio.Count);
    }

    [Fact]
    public void Draw_ManyKeys_StaysWithinTheFrameAndTheOptions()
    {
        for (var position = 0; position < 2000; position++)
        {
            var drawn = Draw(s_recipe, new SampleKey(1, 0, position));
            for (var view = 0; view < drawn.Video.Count; view++)
            {
                var video = drawn.Video[view];
                (var low, var high) = view == 0 ? (0.2, 1.0) : (0.08, 0.4);
                Assert.InRange(video.Crop.Top, 0, 112 - video.Crop.Height);
                Assert.InRange(video.Crop.Left, 0, 149 - video.Crop.Width);
                // Rounding the sides to pixels moves area and ratio a little.
                Assert.InRange(video.Crop.Height * video.Crop.Width / (112.0 * 149), low * 0.95, high * 1.05);
                Assert.InRange((double)video.Crop.Width / video.Crop.Height, 0.72, 1.39);
                Assert.InRange(video.Jitter!.Brightness, 0.6, 1.4);
                Assert.InRange(video.Jitter.Hue, -0.2, 0.2);
                Assert.Equal(4, video.Jitter.Order.Distinct().Count());
                Assert.True(view > 0 || (!video.Gray && video.Blur is null));
            }
            var local = drawn.Audio[1];
            Assert.InRange(drawn.Audio[0].Volume, 0.9, 1.1);
            Assert.Null(drawn.Audio[0].ResizeCrop);
            var box = local.ResizeCrop!.Box;
            Assert.Equal((80, 168), (local.ResizeCrop.CanvasHeight, local.ResizeCrop.CanvasWidth));
            Assert.InRange(box.Top + box.Height, box.Height, 80);
            Assert.InRange(box.Left + box.Width, box.Width, 168);
            Assert.InRange(local.Warp!.Warped, 1, 111);
            Assert.All(local.Masks, mask => Assert.InRange(mask.Start + mask.Length, 0, mask.AlongTime ? 112 : 80));
        }
    }

    [Fact]
    public void Draw_Probabilities_AreMet()
    {
        int flips = 0, grays = 0, blurs = 0;
        const int Count = 4000;
        for (var position = 0; position < Count; position++)
        {
            var view = Draw(s_recipe, new SampleKey(9, 1, position)).Video[1];
            flips += view.Flip ? 1 : 0;
            grays += view.Gray ? 1 : 0;
            blurs += view.Blur is null ? 0 : 1;
        }
        // Four standard deviations.
        Assert.InRange(flips, Count * 0.5 - 127, Count * 0.5 + 127);
        Assert.InRange(grays, Count * 0.2 - 102, Count * 0.2 + 102);
        Assert.InRange(blurs, Count * 0.5 - 127, Count * 0.5 + 127);
    }

    [Fact]
    public void Draw_OneOptionChanged_MovesNoOtherDraw()
    {
        var key = new SampleKey(5, 2, 8);
        var changed = s_recipe with { GlobalVideo = s_recipe.GlobalVideo with { Brightness = 0.1, BlurProbability = 1, BlurSigma = BlurSigma.Released } };
        VideoViewAugmentation before = Draw(s_recipe, key).Video[0], after = Draw(changed, key).Video[0];
        Assert.Equal(before.Crop, after.Crop);
        Assert.Equal(before.Flip, after.Flip);
        Assert.Equal(before.Jitter!.Order, after.Jitter!.Order);
        Assert.Equal(before.Jitter.Hue, after.Jitter.Hue);
        Assert.Equal(new GaussianBlur(11, 0.1, 2), after.Blur);
    }

    [Fact]
    public void Draw_FrameTooNarrowForAnyBox_FallsBackToTheCentre()
    {
        var crop = ClipAugmentation.Draw(s_recipe with { GlobalVideo = new VideoViewOptions { CropScaleMin = 1 } }, new SampleKey(1, 1, 1), 20, 200, 80).Video[0].Crop;
        Assert.Equal(new CropBox(0, 86, 20, 27), crop);
    }

    [Fact]
    public void Validate_SeveralFaults_NamesEveryOne()
    {
        var faulty = s_recipe with
        {
            GlobalVideo = new VideoViewOptions { CropScaleMin = 0.5, CropScaleMax = 0.4, Hue = 0.7 },
            LocalAudio = SpectrogramViewOptions.Local with { Volume = 1 },
            MelStd = 0,
        };
        var error = Assert.Throws<UsageException>(faulty.Validate);
        Assert.Equal(4, error.Message.Split(Environment.NewLine).Length);
        s_recipe.Validate();
    }

    private static ClipAugmentation Draw(AugmentationOptions options, SampleKey key) => ClipAugmentation.Draw(options, key, 112, 149, 80);
}
