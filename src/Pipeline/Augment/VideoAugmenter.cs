using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Turns a window of cached frames into a normalised view: crop and resize, flip, colour jitter, grayscale, blur on bytes exactly
/// as Pillow does them, then (value / 255 - mean) / std. One frame at a time stays in cache through all of it.
/// Thread-safe; after warm-up it allocates nothing.
/// </summary>
public sealed class VideoAugmenter
{
    private readonly ScratchPool<PlanarFrame> _frames = new(() => new PlanarFrame());
    private readonly float[] _mean;
    private readonly float[] _std;

    /// <summary>Mean and standard deviation of the channels, values in [0, 1]; ImageNet's when not given.</summary>
    public VideoAugmenter(IReadOnlyList<float>? mean = null, IReadOnlyList<float>? std = null)
    {
        _mean = [.. mean ?? [0.485f, 0.456f, 0.406f]];
        _std = [.. std ?? [0.229f, 0.224f, 0.225f]];
        if (_mean.Length != 3 || _std.Length != 3 || _std.Any(value => !(value > 0)))
        {
            throw new UsageException($"frame statistics [{string.Join(", ", _mean)}] / [{string.Join(", ", _std)}]: three means and three positive deviations are needed.");
        }
    }

    /// <summary>Writes one view.</summary>
    /// <param name="window">The view's own frames, [frames, height, width, 3].</param>
    /// <param name="height">Rows of a cached frame.</param>
    /// <param name="width">Columns of a cached frame.</param>
    /// <param name="view">What was drawn.</param>
    /// <param name="size">Rows and columns of the view.</param>
    /// <param name="destination">Receives [3, frames, size, size].</param>
    public void Apply(ReadOnlySpan<byte> window, int height, int width, VideoViewAugmentation view, int size, Span<float> destination) =>
        Apply(window, height, width, view, size, size, destination);

    /// <inheritdoc cref="Apply(ReadOnlySpan{byte}, int, int, VideoViewAugmentation, int, Span{float})"/>
    /// <param name="window">The view's own frames, [frames, height, width, 3].</param>
    /// <param name="height">Rows of a cached frame.</param>
    /// <param name="width">Columns of a cached frame.</param>
    /// <param name="view">What was drawn.</param>
    /// <param name="viewHeight">Rows of the view.</param>
    /// <param name="viewWidth">Columns of the view.</param>
    /// <param name="destination">Receives [3, frames, viewHeight, viewWidth].</param>
    public void Apply(ReadOnlySpan<byte> window, int height, int width, VideoViewAugmentation view, int viewHeight, int viewWidth, Span<float> destination)
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
            for (var channel = 0; channel < 3; channel++)
            {
                frame.Normalize(channel, _mean[channel], _std[channel], destination.Slice((channel * frames + t) * pixels, pixels));
            }
        }
        _frames.Return(frame);
    }
}
