namespace Xkd.Pipeline;

/// <summary>
/// The views of fine-tuning: whole frames augmented at random, a crop resized (bilinear, not antialiased, as the reference does to float clips), mirrored,
/// normalised, and partly erased. Spectrograms are augmented as <see cref="RecipeAugmenter"/> does.
/// </summary>
internal sealed class FineTuneAugmenter : ISampleAugmenter
{
    private readonly RecipeAugmenter _recipe;
    private readonly RandAugmentOptions? _rand;
    private readonly RandomErasingOptions? _erasing;
    private readonly int _size;
    private readonly ScratchPool<RandAugmentFrame> _frames = new(() => new RandAugmentFrame());

    public FineTuneAugmenter(
        AugmentationOptions recipe, RandAugmentOptions? rand, RandomErasingOptions? erasing, ViewOptions feed, double melMean, double melStd)
    {
        rand?.Validate();
        erasing?.Validate();
        _recipe = new RecipeAugmenter(recipe, feed, melMean, melStd);
        (_rand, _erasing, _size) = (rand, erasing, feed.FrameSize);
    }

    public ClipAugmentation Draw(in SampleKey key, int height, int width)
    {
        var drawn = _recipe.Draw(key, height, width);
        if (drawn.Video.Count == 0)
        {
            return drawn;
        }

        var view = drawn.Video[0] with
        {
            Rand = _rand is null ? [] : RandAugmentStep.Draw(_rand, key),
            Erased = _erasing is null ? null : ErasedBox.Draw(_erasing, key, _size),
        };
        return drawn with { Video = [view] };
    }

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, VideoDestination destination)
    {
        var own = drawn!.Video[view];
        int frameBytes = height * width * 3, count = frames.Length / frameBytes, plane = size * size;
        var normalised = new float[height * width];
        var frame = _frames.Rent();
        for (var t = 0; t < count; t++)
        {
            frame.Load(frames.Slice(t * frameBytes, frameBytes), height, width);
            foreach (var step in own.Rand)
            {
                frame.Apply(step);
            }

            for (var channel = 0; channel < 3; channel++)
            {
                float scale = 1 / (255 * FrameStatistics.Std[channel]), shift = -FrameStatistics.Mean[channel] / FrameStatistics.Std[channel];
                for (var i = 0; i < normalised.Length; i++)
                {
                    normalised[i] = (frame.Rgb[(i * 3) + channel] * scale) + shift;
                }

                var to = destination.Values.Slice(((channel * count) + t) * plane, plane);
                SpatialCrops.Resize(normalised, height, width, own.Crop, size, size, to);
                for (var y = 0; y < size && own.Flip; y++)
                {
                    to.Slice(y * size, size).Reverse();
                }
            }
        }

        _frames.Return(frame);
        own.Erased?.Fill(destination.Values, size);
    }

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination) =>
        _recipe.Audio(drawn, view, logMel, mels, destination);
}
