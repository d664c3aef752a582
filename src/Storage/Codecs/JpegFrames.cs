using SkiaSharp;

namespace Xkd.Storage;

/// <summary>
/// Frames as one baseline JPEG each (libjpeg-turbo through SkiaSharp), so that a window decodes only its own frames.
/// About a tenth of rgb24's size for one millisecond or less of decoding per frame; lossy.
/// </summary>
public static class JpegFrames
{
    /// <summary>The quality caches use unless told otherwise.</summary>
    public const int DefaultQuality = 90;

    /// <summary>Encodes rgb24 <c>[count, height, width, 3]</c>.</summary>
    /// <returns>The JPEGs one after the other; and count + 1 offsets: where each begins, and where the last ends.</returns>
    public static (byte[] Payload, uint[] Offsets) Encode(ReadOnlySpan<byte> frames, int count, int height, int width, int quality = DefaultQuality)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(frames.Length, (long)count * height * width * 3);
        uint[] offsets = new uint[count + 1];
        using MemoryStream payload = new();
        SKImageInfo info = new(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using SKBitmap bitmap = new(info);
        using SKPixmap pixels = bitmap.PeekPixels();
        using SKManagedWStream sink = new(payload);
        for (int i = 0; i < count; i++)
        {
            Expand(frames.Slice(i * height * width * 3, height * width * 3), pixels.GetPixelSpan<byte>());
            if (!pixels.Encode(sink, new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore)))
            {
                throw new InvalidOperationException($"no JPEG of {width}×{height} at quality {quality}");
            }

            offsets[i + 1] = checked((uint)payload.Length);
        }

        return (payload.ToArray(), offsets);
    }

    /// <summary>Decodes one JPEG into rgb24 <c>[height, width, 3]</c>.</summary>
    /// <exception cref="FailureException">Not a JPEG of that size.</exception>
    internal static void Decode(SKData jpeg, int height, int width, Span<byte> rgb)
    {
        using SKCodec codec = SKCodec.Create(jpeg) ?? throw new FailureException("a stored frame is no JPEG");
        if (codec.Info.Width != width || codec.Info.Height != height)
        {
            throw new FailureException($"a stored frame has {codec.Info.Width}×{codec.Info.Height} pixels, its row says {width}×{height}");
        }

        using SKBitmap bitmap = new(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        SKCodecResult result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result != SKCodecResult.Success)
        {
            throw new FailureException($"a stored frame does not decode: {result}");
        }

        Pack(bitmap.GetPixelSpan(), rgb);
    }

    private static void Expand(ReadOnlySpan<byte> rgb, Span<byte> rgbx)
    {
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
        {
            rgbx[to] = rgb[from];
            rgbx[to + 1] = rgb[from + 1];
            rgbx[to + 2] = rgb[from + 2];
            rgbx[to + 3] = 255;
        }
    }

    private static void Pack(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        for (int from = 0, to = 0; to < rgb.Length; from += 4, to += 3)
        {
            rgb[to] = rgba[from];
            rgb[to + 1] = rgba[from + 1];
            rgb[to + 2] = rgba[from + 2];
        }
    }
}
