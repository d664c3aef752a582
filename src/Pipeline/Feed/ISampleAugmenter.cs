namespace Xkd.Pipeline;

/// <summary>Makes a normalised view of a raw window. Thread-safe; a pure function of its arguments, the key included.</summary>
internal interface ISampleAugmenter
{
    /// <summary>One video view.</summary>
    /// <param name="key">The sample, for the draws.</param>
    /// <param name="view">0 for the global view, then the local ones.</param>
    /// <param name="frames">rgb24 [frames, height, width, 3].</param>
    /// <param name="height">Pixels.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="size">Height and width of the view, pixels.</param>
    /// <param name="destination">Receives [3, frames, size, size].</param>
    void Video(in SampleKey key, int view, ReadOnlySpan<byte> frames, int height, int width, int size, Span<float> destination);

    /// <summary>One audio view.</summary>
    /// <param name="key">The sample, for the draws.</param>
    /// <param name="view">0 for the global view, then the local ones.</param>
    /// <param name="logMel">[mels, frames].</param>
    /// <param name="mels">Bands.</param>
    /// <param name="destination">Receives [mels, frames].</param>
    void Audio(in SampleKey key, int view, ReadOnlySpan<float> logMel, int mels, Span<float> destination);
}
