namespace Xkd.Pipeline;

/// <summary>
/// Test-time views along the long side: consecutive positions of a window are its start, centre and end. Spectrograms have no crops and are the same in all
/// three.
/// </summary>
internal sealed class ThreeCropAugmenter(double melMean, double melStd) : ISampleAugmenter
{
    /// <summary>Views of one window.</summary>
    public const int Crops = 3;

    // What is drawn for a sample is which of the three it is; the box follows from the frame.
    private static readonly ClipAugmentation[] Which = [.. Enumerable.Range(0, Crops).Select(i => new ClipAugmentation { Video = [new VideoViewAugmentation { TestCrop = i }] })];

    private readonly ScaledCrop _crop = new();
    private readonly CenterCropAugmenter _plain = new(melMean, melStd);

    public ClipAugmentation? Draw(in SampleKey key, int height, int width) => Which[key.Position % Crops];

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, Span<float> destination) =>
        _crop.Apply(frames, height, width, size, drawn!.Video[0].TestCrop, destination);

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination) =>
        _plain.Audio(drawn, view, logMel, mels, destination);
}
