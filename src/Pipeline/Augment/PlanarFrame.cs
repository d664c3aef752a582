using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// One RGB frame as three byte planes, and Pillow's operations on it, exact to the bit. It is working memory: the same instance
/// takes one frame after another and grows to the largest. Not thread-safe.
/// </summary>
public sealed unsafe class PlanarFrame
{
    private readonly FrameResizer _resizer = new();
    private readonly BlurKernel _blur = new();
    private readonly AlignedBuffer<int> _hueTable = new(512);
    private AlignedBuffer<byte>? _planes; // red, green, blue, luma
    private int _planeStride;
    private byte? _hueOffset;

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>Columns.</summary>
    public int Width { get; private set; }

    public int Pixels => Height * Width;

    /// <summary>Chooses what <see cref="LoadResized"/> does with the frames to come.</summary>
    /// <param name="box">Part of the frame to take.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="flip">Whether to mirror left and right.</param>
    public void PrepareResize(CropBox box, int height, int width, bool flip = false)
    {
        if (box.Height < 1 || box.Width < 1 || height < 1 || width < 1)
        {
            throw new UsageException($"cannot resize a {box.Width}x{box.Height} crop to {width}x{height}: every side needs at least one pixel.");
        }
        Shape(height, width);
        _resizer.Prepare(box, height, width, flip);
    }

    /// <summary>Crops and resizes a frame (bilinear, antialiased, each pass rounded to eight bits) as prepared.</summary>
    /// <param name="rgb">[height, width, 3].</param>
    /// <param name="frameWidth">Columns of the frame.</param>
    public void LoadResized(ReadOnlySpan<byte> rgb, int frameWidth)
    {
        fixed (byte* frame = rgb)
        {
            _resizer.Run(frame, frameWidth, Plane(0), _planeStride);
        }
    }

    /// <summary>Takes a frame as it is.</summary>
    /// <param name="rgb">[height, width, 3].</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    public void Load(ReadOnlySpan<byte> rgb, int height, int width)
    {
        PrepareResize(CropBox.Whole(height, width), height, width);
        LoadResized(rgb[..(3 * height * width)], width);
    }

    /// <summary>Blends with black.</summary>
    public void Brightness(double factor) => BlendLevels(0, factor);

    /// <summary>Blends with the rounded mean of this frame's luma.</summary>
    public void Contrast(double factor)
    {
        ColorKernels.Luma(Plane(0), Plane(1), Plane(2), Plane(3), Pixels);
        var mean = (double)ColorKernels.Sum(Plane(3), Pixels) / Pixels;
        BlendLevels((int)(mean + 0.5), factor);
    }

    /// <summary>Blends with each pixel's luma.</summary>
    public void Saturation(double factor)
    {
        ColorKernels.Luma(Plane(0), Plane(1), Plane(2), Plane(3), Pixels);
        for (var channel = 0; channel < 3; channel++)
        {
            ColorKernels.BlendPlane(Plane(channel), Plane(3), (float)factor, Pixels);
        }
    }

    /// <summary>Turns the hue by <paramref name="turn"/> of the circle: trunc(255 · turn) steps, modulo 256, of an eight-bit hue.</summary>
    public void Hue(double turn)
    {
        var offset = HueKernel.OffsetOf(turn);
        if (_hueOffset != offset)
        {
            HueKernel.Prepare(offset, _hueTable.Span);
            _hueOffset = offset;
        }
        HueKernel.Shift(Plane(0), Plane(1), Plane(2), Pixels, _hueTable.Pointer);
    }

    /// <summary>Applies the drawn factors in their order.</summary>
    public void Apply(ColorJitter jitter)
    {
        ArgumentNullException.ThrowIfNull(jitter);
        for (var i = 0; i < jitter.Order.Count; i++)
        {
            switch (jitter.Order[i])
            {
                case JitterOperation.Brightness:
                    Brightness(jitter.Brightness);
                    break;
                case JitterOperation.Contrast:
                    Contrast(jitter.Contrast);
                    break;
                case JitterOperation.Saturation:
                    Saturation(jitter.Saturation);
                    break;
                default:
                    Hue(jitter.Hue);
                    break;
            }
        }
    }

    /// <summary>Replaces all three channels by luma.</summary>
    public void Gray()
    {
        ColorKernels.Luma(Plane(0), Plane(1), Plane(2), Plane(0), Pixels);
        new ReadOnlySpan<byte>(Plane(0), Pixels).CopyTo(new Span<byte>(Plane(1), Pixels));
        new ReadOnlySpan<byte>(Plane(0), Pixels).CopyTo(new Span<byte>(Plane(2), Pixels));
    }

    /// <summary>Blurs each channel.</summary>
    /// <exception cref="UsageException">The kernel is even, or does not fit the frame.</exception>
    public void Blur(GaussianBlur blur)
    {
        ArgumentNullException.ThrowIfNull(blur);
        if (blur.KernelSize < 1 || blur.KernelSize % 2 == 0 || blur.KernelSize / 2 >= Math.Min(Height, Width))
        {
            throw new UsageException($"blur kernel {blur.KernelSize} does not fit a {Width}x{Height} frame: take an odd size below {2 * Math.Min(Height, Width)}.");
        }
        for (var channel = 0; channel < 3; channel++)
        {
            _blur.Run(blur, Plane(channel), Height, Width);
        }
    }

    /// <summary>Writes one channel as (value / 255 - mean) / std.</summary>
    /// <param name="channel">0 red, 1 green, 2 blue.</param>
    /// <param name="mean">Mean of the channel in [0, 1].</param>
    /// <param name="std">Standard deviation of the channel.</param>
    /// <param name="destination">Receives [height, width].</param>
    public void Normalize(int channel, float mean, float std, Span<float> destination)
    {
        if (destination.Length != Pixels)
        {
            throw new ArgumentException($"a {Width}x{Height} frame has {Pixels} values, the destination holds {destination.Length}.", nameof(destination));
        }
        var plane = Plane(channel);
        var i = 0;
        if (Avx2.IsSupported)
        {
            // Two divisions, as the reference does: a folded scale and shift would differ in the last bit.
            Vector256<float> means = Vector256.Create(mean), stds = Vector256.Create(std), full = Vector256.Create(255f);
            fixed (float* to = destination)
            {
                for (; i <= destination.Length - 8; i += 8)
                {
                    ((Vector256.ConvertToSingle(VectorBytes.Widen(plane + i)) / full - means) / stds).Store(to + i);
                }
            }
        }
        for (; i < destination.Length; i++)
        {
            destination[i] = (plane[i] / 255f - mean) / std;
        }
    }

    /// <summary>Copies one channel out.</summary>
    /// <param name="channel">0 red, 1 green, 2 blue.</param>
    /// <param name="levels">Receives [height, width].</param>
    public void CopyTo(int channel, Span<byte> levels) => new ReadOnlySpan<byte>(Plane(channel), Pixels).CopyTo(levels);

    /// <summary>Copies the frame out as interleaved RGB.</summary>
    /// <param name="rgb">Receives [height, width, 3].</param>
    public void CopyTo(Span<byte> rgb) => Interleaving.Join(Plane(0), _planeStride, rgb[..(3 * Pixels)]);

    private void BlendLevels(int level, double factor)
    {
        for (var channel = 0; channel < 3; channel++)
        {
            ColorKernels.BlendLevel(Plane(channel), level, (float)factor, Pixels);
        }
    }

    private void Shape(int height, int width)
    {
        (Height, Width) = (height, width);
        // Kernels work in steps of up to 32 bytes and may touch what follows a plane's last pixel.
        _planeStride = (Pixels + 31) / 32 * 32 + 32;
        _planes = AlignedBuffer<byte>.AtLeast(_planes, 4 * _planeStride);
    }

    private byte* Plane(int index) => _planes!.Pointer + index * _planeStride;
}
