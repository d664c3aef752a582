namespace Xkd.Pipeline;

/// <summary>
/// Turns a window of cached frames into a view: crop and resize, flip, colour jitter, grayscale, blur on bytes exactly
/// as Pillow does them, then, where it is wanted normalised, (value / 255 - mean) / std. One frame at a time stays in cache through all of it.
/// Thread-safe; after warm-up it allocates nothing.
/// </summary>
public sealed class VideoAugmenter
{
    private readonly ScratchPool<PlanarFrame> _frames = new(() => new PlanarFrame());

    /// <summary>Writes one view.</summary>
    /// <param name="window">The view's own frames, [frames, height, width, 3].</param>
    /// <param name="height">Rows of a cached frame.</param>
    /// <param name="width">Columns of a cached frame.</param>
    /// <param name="view">What was drawn.</param>
    /// <param name="size">Rows and columns of the view.</param>
    /// <param name="destination">Receives [3, frames, size, size].</param>
    public void Apply(ReadOnlySpan<byte> window, int height, int width, VideoViewAugmentation view, int size, VideoDestination destination) =>
        Apply(window, height, width, view, size, size, destination);

    /// <inheritdoc cref="Apply(ReadOnlySpan{byte}, int, int, VideoViewAugmentation, int, VideoDestination)"/>
    /// <param name="window">The view's own frames, [frames, height, width, 3].</param>
    /// <param name="height">Rows of a cached frame.</param>
    /// <param name="width">Columns of a cached frame.</param>
    /// <param name="view">What was drawn.</param>
    /// <param name="viewHeight">Rows of the view.</param>
    /// <param name="viewWidth">Columns of the view.</param>
    /// <param name="destination">Receives [3, frames, viewHeight, viewWidth].</param>
    public void Apply(ReadOnlySpan<byte> window, int height, int width, VideoViewAugmentation view, int viewHeight, int viewWidth, VideoDestination destination)
    {
        ArgumentNullException.ThrowIfNull(view);
        int frameBytes = height * width * 3, frames = window.Length / frameBytes, pixels = viewHeight * viewWidth;
        var box = view.Crop;
        if (box.Top < 0 || box.Left < 0 || box.Top + box.Height > height || box.Left + box.Width > width)
        {
            throw new ArgumentException($"{box} lies outside a {width}x{height} frame.", nameof(view));
        }
        if (destination.Length != 3 * frames * pixels)
        {
            throw new ArgumentException($"a view of 3x{frames}x{viewHeight}x{viewWidth} does not fill {destination.Length} values.", nameof(destination));
        }
        var frame = _frames.Rent();
        frame.PrepareResize(box, viewHeight, viewWidth, view.Flip);
        for (var t = 0; t < frames; t++)
        {
            frame.LoadResized(window.Slice(t * frameBytes, frameBytes), width);
            if (view.Jitter is not null)
            {
                frame.Apply(view.Jitter);
            }
            if (view.Gray)
            {
                frame.Gray();
            }
            if (view.Blur is not null)
            {
                frame.Blur(view.Blur);
            }
            destination.Write(frame, t, frames);
        }
        _frames.Return(frame);
    }
}
