using System.Runtime.InteropServices;
using static Xkd.Storage.TurboJpegLibrary;

namespace Xkd.Storage;

/// <summary>libjpeg-turbo itself: straight into rgb24, with the vector instructions that other builds of it lack.</summary>
internal sealed unsafe class TurboJpegCodec : IJpegCodec
{
    private nint _decoder;
    private nint _encoder;

    public void Decode(ReadOnlySpan<byte> jpeg, int height, int width, Span<byte> rgb)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rgb.Length, (long)height * width * 3);
        _decoder = _decoder != 0 ? _decoder : tjInitDecompress();
        fixed (byte* source = jpeg)
        fixed (byte* target = rgb)
        {
            int foundWidth, foundHeight, sampling, colours;
            if (tjDecompressHeader3(_decoder, source, (nuint)jpeg.Length, &foundWidth, &foundHeight, &sampling, &colours) != 0)
            {
                throw new FailureException("a stored frame is no JPEG");
            }

            if (foundWidth != width || foundHeight != height)
            {
                throw JpegFrames.WrongSize(foundWidth, foundHeight, width, height);
            }

            if (tjDecompress2(_decoder, source, (nuint)jpeg.Length, target, width, width * 3, height, Rgb, flags: 0) != 0)
            {
                throw new FailureException($"a stored frame does not decode: {Error(_decoder)}");
            }
        }
    }

    public void Encode(ReadOnlySpan<byte> rgb, int height, int width, int quality, Stream destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(rgb.Length, (long)height * width * 3);
        _encoder = _encoder != 0 ? _encoder : tjInitCompress();
        byte* jpeg = null;
        nuint bytes = 0;
        try
        {
            fixed (byte* source = rgb)
            {
                if (tjCompress2(_encoder, source, width, width * 3, height, Rgb, &jpeg, &bytes, HalfColour, quality, AccurateTransform) != 0)
                {
                    throw new InvalidOperationException($"no JPEG of {width}×{height} at quality {quality}: {Error(_encoder)}");
                }
            }

            destination.Write(new ReadOnlySpan<byte>(jpeg, checked((int)bytes)));
        }
        finally
        {
            tjFree(jpeg);
        }
    }

    public void Dispose()
    {
        Destroy(ref _decoder);
        Destroy(ref _encoder);
    }

    private static void Destroy(ref nint handle)
    {
        if (handle != 0)
        {
            _ = tjDestroy(handle); // fails on what is no handle only
            handle = 0;
        }
    }

    private static string Error(nint handle) => Marshal.PtrToStringUTF8((nint)tjGetErrorStr2(handle)) ?? "no reason given";
}
