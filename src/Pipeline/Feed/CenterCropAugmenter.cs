namespace Xkd.Pipeline;

/// <summary>No augmentation: frames scaled to the short side and cut at the centre (<see cref="ScaledCrop"/>), spectrograms normalised.</summary>
internal sealed class CenterCropAugmenter(double melMean, double melStd) : ISampleAugmenter
{
    private const int Centre = 1;
    private readonly ScaledCrop _crop = new();

    public ClipAugmentation? Draw(in SampleKey key, int height, int width) => null;

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, Span<float> destination) =>
        _crop.Apply(frames, height, width, size, Centre, destination);

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination)
    {
        HalfFloats.Widen(logMel, destination);
        var scale = (float)(1 / melStd);
        var mean = (float)melMean;
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = (destination[i] - mean) * scale;
        }
    }
}
