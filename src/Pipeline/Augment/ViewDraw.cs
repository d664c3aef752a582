namespace Xkd.Pipeline;

/// <summary>Draws one view. Every decision has a random stream of its own, named by its purpose and the view's number.</summary>
internal static class ViewDraw
{
    private const int CropAttempts = 10;

    public static VideoViewAugmentation Video(VideoViewOptions options, in SampleKey key, int view, int height, int width) => new()
    {
        Crop = DrawCrop(options, new SampleRandom(key, SamplePurpose.VideoCrop, view), height, width),
        Flip = new SampleRandom(key, SamplePurpose.VideoFlip, view).Chance(options.FlipProbability),
        Jitter = DrawJitter(options, key, view),
        Gray = new SampleRandom(key, SamplePurpose.VideoGray, view).Chance(options.GrayProbability),
        Blur = DrawBlur(options, new SampleRandom(key, SamplePurpose.VideoBlur, view)),
    };

    // An area and a log-uniform ratio, tried until the box fits; else the largest centred box of an allowed ratio.
    private static CropBox DrawCrop(VideoViewOptions options, SampleRandom random, int height, int width)
    {
        double low = Math.Log(options.CropRatioMin), high = Math.Log(options.CropRatioMax);
        for (var attempt = 0; attempt < CropAttempts; attempt++)
        {
            var area = height * width * random.Uniform(options.CropScaleMin, options.CropScaleMax);
            var ratio = Math.Exp(random.Uniform(low, high));
            int w = (int)Math.Round(Math.Sqrt(area * ratio)), h = (int)Math.Round(Math.Sqrt(area / ratio));
            if (w >= 1 && w <= width && h >= 1 && h <= height)
            {
                return new CropBox(random.NextInt(height - h + 1), random.NextInt(width - w + 1), h, w);
            }
        }
        var whole = (double)width / height;
        var cropWidth = whole > options.CropRatioMax ? (int)Math.Round(height * options.CropRatioMax) : width;
        var cropHeight = whole < options.CropRatioMin ? (int)Math.Round(width / options.CropRatioMin) : height;
        return CropBox.Centered(height, width, Math.Clamp(cropHeight, 1, height), Math.Clamp(cropWidth, 1, width));
    }

    private static ColorJitter? DrawJitter(VideoViewOptions options, in SampleKey key, int view)
    {
        var random = new SampleRandom(key, SamplePurpose.VideoJitter, view);
        if (!random.Chance(options.JitterProbability))
        {
            return null;
        }
        double brightness = Factor(ref random, options.Brightness), contrast = Factor(ref random, options.Contrast);
        double saturation = Factor(ref random, options.Saturation), hue = random.Uniform(-options.Hue, options.Hue);
        JitterOperation[] order = [JitterOperation.Brightness, JitterOperation.Contrast, JitterOperation.Saturation, JitterOperation.Hue];
        new SampleRandom(key, SamplePurpose.VideoJitterOrder, view).Shuffle<JitterOperation>(order);
        // A strength of zero means that the operation is absent, not that it is run with a factor of one.
        JitterOperation[] applied = [.. order.Where(operation => Strength(options, operation) > 0)];
        return applied.Length == 0 ? null : new ColorJitter { Brightness = brightness, Contrast = contrast, Saturation = saturation, Hue = hue, Order = applied };
    }

    private static double Strength(VideoViewOptions options, JitterOperation operation) => operation switch
    {
        JitterOperation.Brightness => options.Brightness,
        JitterOperation.Contrast => options.Contrast,
        JitterOperation.Saturation => options.Saturation,
        _ => options.Hue,
    };

    private static double Factor(ref SampleRandom random, double strength) => random.Uniform(Math.Max(0, 1 - strength), 1 + strength);

    private static GaussianBlur? DrawBlur(VideoViewOptions options, SampleRandom random)
    {
        if (!random.Chance(options.BlurProbability))
        {
            return null;
        }
        var sigma = random.Uniform(options.BlurSigmaMin, options.BlurSigmaMax);
        (var x, var y) = options.BlurSigma == BlurSigma.Released ? (options.BlurSigmaMin, options.BlurSigmaMax) : (sigma, sigma);
        return new GaussianBlur(GaussianBlur.KernelFor(options.Size), x, y);
    }

    public static SpectrogramViewAugmentation Audio(SpectrogramViewOptions options, in SampleKey key, int view, int mels) => new()
    {
        Volume = new SampleRandom(key, SamplePurpose.AudioVolume, view).Uniform(1 - options.Volume, 1 + options.Volume),
        ResizeCrop = DrawResizeCrop(options, new SampleRandom(key, SamplePurpose.AudioCrop, view), mels),
        Warp = DrawWarp(options, new SampleRandom(key, SamplePurpose.AudioTimeWarp, view)),
        Masks = DrawMasks(options, new SampleRandom(key, SamplePurpose.AudioMasks, view), mels),
        MaskFill = options.MaskFill,
    };

    private static SpectrogramCrop? DrawResizeCrop(SpectrogramViewOptions options, SampleRandom random, int mels)
    {
        if (!random.Chance(options.ResizeCropProbability))
        {
            return null;
        }
        int canvasHeight = (int)(mels * options.CanvasFrequency), canvasWidth = (int)(options.Frames * options.CanvasTime);
        var height = Math.Clamp((int)(random.Uniform(options.FrequencyScaleMin, options.FrequencyScaleMax) * mels), 1, canvasHeight);
        var width = Math.Clamp((int)(random.Uniform(options.TimeScaleMin, options.TimeScaleMax) * options.Frames), 1, canvasWidth);
        return new SpectrogramCrop(
            canvasHeight, canvasWidth, new CropBox(random.NextInt(canvasHeight - height + 1), random.NextInt(canvasWidth - width + 1), height, width));
    }

    private static TimeWarp? DrawWarp(SpectrogramViewOptions options, SampleRandom random)
    {
        var window = options.TimeWarpWindow;
        if (window < 1 || options.Frames - window <= window)
        {
            return null; // too short to warp: the reference returns it as it is
        }
        var center = window + random.NextInt(options.Frames - 2 * window);
        return new TimeWarp(center, center - window + random.NextInt(2 * window) + 1);
    }

    private static SpectrogramMask[] DrawMasks(SpectrogramViewOptions options, SampleRandom random, int mels)
    {
        var masks = new SpectrogramMask[options.FrequencyMasks + options.TimeMasks];
        for (var i = 0; i < masks.Length; i++)
        {
            var time = i >= options.FrequencyMasks;
            var side = time ? options.Frames : mels;
            var length = Math.Min(random.NextInt(time ? options.TimeMaskBound : options.FrequencyMaskBound), side);
            masks[i] = new SpectrogramMask(time, random.NextInt(Math.Max(1, side - length)), length);
        }
        return masks;
    }
}
