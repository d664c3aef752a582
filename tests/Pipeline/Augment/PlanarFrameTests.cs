using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class PlanarFrameTests
{
    [Theory]
    [InlineData(112, 149, 0, 0, 112, 149, 112, 112, false)]
    [InlineData(112, 149, 5, 7, 60, 71, 96, 96, true)]
    [InlineData(112, 149, 80, 100, 32, 49, 96, 96, false)]
    [InlineData(40, 50, 3, 2, 9, 4, 17, 33, true)]
    [InlineData(40, 50, 39, 49, 1, 1, 5, 7, false)]
    [InlineData(240, 320, 0, 0, 240, 320, 37, 41, true)]
    [InlineData(300, 400, 0, 0, 300, 400, 20, 20, false)]
    [InlineData(20, 20, 4, 4, 12, 6, 12, 6, false)]
    public void LoadResized_AnyBoxAndSize_EqualsPillowsTwoPasses(int height, int width, int top, int left, int cropHeight, int cropWidth, int toHeight, int toWidth, bool flip)
    {
        var source = Noise(height * width * 3, 5);
        var frame = new PlanarFrame();
        frame.PrepareResize(new CropBox(top, left, cropHeight, cropWidth), toHeight, toWidth, flip);
        frame.LoadResized(source, width);
        var actual = new byte[toHeight * toWidth * 3];
        frame.CopyTo(actual);

        byte[] narrow = new byte[cropHeight * toWidth * 3], expected = new byte[actual.Length], line = new byte[cropWidth], column = new byte[cropHeight];
        for (var channel = 0; channel < 3; channel++)
        {
            for (var y = 0; y < cropHeight; y++)
            {
                for (var x = 0; x < cropWidth; x++)
                {
                    line[x] = source[((top + y) * width + left + x) * 3 + channel];
                }
                for (var x = 0; x < toWidth; x++)
                {
                    narrow[(y * toWidth + x) * 3 + channel] = PillowReference.Resize(line, toWidth, flip ? toWidth - 1 - x : x);
                }
            }
            for (var x = 0; x < toWidth; x++)
            {
                for (var y = 0; y < cropHeight; y++)
                {
                    column[y] = narrow[(y * toWidth + x) * 3 + channel];
                }
                for (var y = 0; y < toHeight; y++)
                {
                    expected[(y * toWidth + x) * 3 + channel] = PillowReference.Resize(column, toHeight, y);
                }
            }
        }
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Hue_EveryColour_EqualsPillowsRoundTrip()
    {
        // All 2^24 colours, 256 x 256 at a time with red fixed.
        var frame = new PlanarFrame();
        byte[] colours = new byte[65536 * 3], shifted = new byte[65536 * 3];
        long wrong = 0;
        for (var red = 0; red < 256; red++)
        {
            for (var i = 0; i < 65536; i++)
            {
                (colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]) = ((byte)red, (byte)(i >> 8), (byte)i);
            }
            var turn = red % 3 == 0 ? 0.17 : red % 3 == 1 ? -0.13 : (red - 128) / 256.0;
            var offset = unchecked((byte)(int)(turn * 255));
            frame.Load(colours, 256, 256);
            frame.Hue(turn);
            frame.CopyTo(shifted);
            for (var i = 0; i < 65536; i++)
            {
                (byte, byte, byte) expected = PillowReference.ShiftHue(colours[3 * i], colours[3 * i + 1], colours[3 * i + 2], offset);
                wrong += expected == (shifted[3 * i], shifted[3 * i + 1], shifted[3 * i + 2]) ? 0 : 1;
            }
        }
        Assert.Equal(0, wrong);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.6123)]
    [InlineData(1)]
    [InlineData(1.3999)]
    public void Enhancements_EveryFactor_EqualPillowsBlends(double factor)
    {
        var source = Noise(33 * 41 * 3, 9);
        byte[] lumas = [.. source.Chunk(3).Select(p => PillowReference.Luma(p[0], p[1], p[2]))];
        var mean = (int)(lumas.Average(value => (double)value) + 0.5);
        AssertPixels(source, frame => frame.Brightness(factor), i => PillowReference.Blend(0, source[i], (float)factor));
        AssertPixels(source, frame => frame.Contrast(factor), i => PillowReference.Blend(mean, source[i], (float)factor));
        AssertPixels(source, frame => frame.Saturation(factor), i => PillowReference.Blend(lumas[i / 3], source[i], (float)factor));
        AssertPixels(source, frame => frame.Gray(), i => lumas[i / 3]);
    }

    [Fact]
    public void Blur_NarrowSigma_KeepsThePixels()
    {
        // With a weight of one in the middle only the truncation of (v / 255) * 255 could show: never by more than one level.
        var source = Noise(20 * 24 * 3, 2);
        AssertNear(source, frame => frame.Blur(new GaussianBlur(9, 0.1, 0.1)), i => source[i], 1);
    }

    [Fact]
    public void Blur_ReleasedSigmas_MixesRowsOnly()
    {
        var stripes = new byte[24 * 24 * 3];
        for (var i = 0; i < stripes.Length; i++)
        {
            stripes[i] = (byte)(i / 3 % 24 % 2 == 0 ? 200 : 20);
        }
        AssertNear(stripes, frame => frame.Blur(new GaussianBlur(9, 0.1, 2.0)), i => stripes[i], 1);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(49)]
    public void Blur_KernelThatDoesNotFit_IsAUsageError(int kernel)
    {
        var frame = new PlanarFrame();
        frame.Load(Noise(24 * 24 * 3, 1), 24, 24);
        var error = Assert.Throws<UsageException>(() => frame.Blur(new GaussianBlur(kernel, 1, 1)));
        Assert.Contains(kernel.ToString(), error.Message, StringComparison.Ordinal);
    }

    private static void AssertPixels(byte[] source, Action<PlanarFrame> operation, Func<int, byte> expected) => AssertNear(source, operation, expected, 0);

    private static void AssertNear(byte[] source, Action<PlanarFrame> operation, Func<int, byte> expected, int levels)
    {
        (var height, var width) = source.Length == 33 * 41 * 3 ? (33, 41) : source.Length == 20 * 24 * 3 ? (20, 24) : (24, 24);
        var frame = new PlanarFrame();
        frame.Load(source, height, width);
        operation(frame);
        var actual = new byte[source.Length];
        frame.CopyTo(actual);
        Assert.All(Enumerable.Range(0, actual.Length), i => Assert.InRange(Math.Abs(actual[i] - expected(i)), 0, levels));
    }

    private static byte[] Noise(int length, int seed)
    {
        var values = new byte[length];
        new Random(seed).NextBytes(values);
        return values;
    }
}
