namespace Xkd.Pipeline;

/// <summary>Makes views of raw windows. Thread-safe; what it makes is a pure function of its arguments.</summary>
internal interface ISampleAugmenter
{
    /// <summary>Draws what will be done to one sample's views; null when nothing is random.</summary>
    ClipAugmentation? Draw(in SampleKey key, int height, int width);

    /// <summary>One video view.</summary>
    /// <param name="drawn">What was drawn for the sample.</param>
    /// <param name="view">0 for the global view, then the local ones.</param>
    /// <param name="frames">The view's own window, rgb24 [frames, height, width, 3].</param>
    /// <param name="height">Pixels.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="size">Height and width of the view, pixels.</param>
    /// <param name="destination">Receives [3, frames, size, size].</param>
    void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, VideoDestination destination);

    /// <summary>One audio view.</summary>
    /// <param name="drawn">What was drawn for the sample.</param>
    /// <param name="view">0 for the global view, then the local ones.</param>
    /// <param name="logMel">The view's own window, [mels, frames].</param>
    /// <param name="mels">Bands.</param>
    /// <param name="destination">Receives [mels, frames].</param>
    void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination);
}
