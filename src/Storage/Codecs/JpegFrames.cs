namespace Xkd.Storage;

/// <summary>
/// Frames as one baseline JPEG each, so that a window decodes only its own frames: about a ninth of rgb24's size for 0.15 ms of decoding per
/// frame of 112×149; lossy.
/// </summary>
public static class JpegFrames
{
    /// <summary>The quality caches use unless told otherwise.</summary>
    public const int DefaultQuality = 90;

    /// <summary>JPEGs are coded by the system's libjpeg-turbo, twice as fast as by the one inside SkiaSharp.</summary>
    public static bool IsFast => TurboJpegLibrary.IsPresent;

    /// <summary>What its absence costs and how to end it, in one line; null where it is installed.</summary>
    public static string? Shortfall => ShortfallOf(IsFast);

    internal static string? ShortfallOf(bool fast) => fast
        ? null
        : "libturbojpeg is not installed: JPEG frames are coded at about half the speed, and read 2.3 times slower; to install it: sudo apt-get install libturbojpeg0";

    /// <summary>Encodes rgb24 <c>[count, height, width, 3]</c>.</summary>
    /// <returns>The JPEGs one after the other; and count + 1 offsets: where each begins, and where the last ends.</returns>
    public static (byte[] Payload, uint[] Offsets) Encode(ReadOnlySpan<byte> frames, int count, int height, int width, int quality = DefaultQuality)
    {
        using var codec = NewCodec();
        return Encode(codec, frames, count, height, width, quality);
    }

    internal static (byte[] Payload, uint[] Offsets) Encode(IJpegCodec codec, ReadOnlySpan<byte> frames, int count, int height, int width, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(frames.Length, (long)count * height * width * 3);
        var offsets = new uint[count + 1];
        using MemoryStream payload = new();
        var frameBytes = height * width * 3;
        for (var i = 0; i < count; i++)
        {
            codec.Encode(frames.Slice(i * frameBytes, frameBytes), height, width, quality, payload);
            offsets[i + 1] = checked((uint)payload.Length);
        }

        return (payload.ToArray(), offsets);
    }

    internal static IJpegCodec NewCodec() => IsFast ? new TurboJpegCodec() : new SkiaJpegCodec();

    internal static FailureException WrongSize(int width, int height, int rowWidth, int rowHeight) =>
        new($"a stored frame has {width}×{height} pixels, its row says {rowWidth}×{rowHeight}");
}
