namespace Xkd.Pipeline.Tests;

public sealed class CropAugmenterTests
{
    // Five roundings of numbers up to one, over the smallest deviation: 5 · 2^-24 / 0.224 = 1.3e-6. A tenth of a level is 1.7e-3.
    private const float Rounding = 2e-6f;

    [Fact]
    public void Video_SameShortSide_IsTheCentreCutNormalised()
    {
        // 4 x 7 frames cut to 4 x 4: columns ceil(3 / 2) = 2 to 5.
        byte[] frames = [.. Enumerable.Range(0, 2 * 4 * 7 * 3).Select(i => (byte)(i * 3))];
        var view = new float[3 * 2 * 4 * 4];
        new CropAugmenter(TestCrops.Centre, 0, 1).Video(drawn: null, 0, frames, 4, 7, 4, view);
        float[] mean = [0.485f, 0.456f, 0.406f];
        float[] std = [0.229f, 0.224f, 0.225f];
        for (var channel = 0; channel < 3; channel++)
        {
            for (var frame = 0; frame < 2; frame++)
            {
                for (var y = 0; y < 4; y++)
                {
                    for (var x = 0; x < 4; x++)
                    {
                        var pixel = frames[(((((frame * 4) + y) * 7) + x + 2) * 3) + channel] / 255f;
                        Assert.Equal((pixel - mean[channel]) / std[channel], view[(((((channel * 2) + frame) * 4) + y) * 4) + x], Rounding);
                    }
                }
            }
        }
    }

    [Fact]
    public void Video_Ramp_IsScaledLinearly()
    {
        // A ramp of slope 10 along x, halved: pixel x covers 2x and 2x + 1, so its value is that of 2x + 0.5.
        byte[] frame = [.. Enumerable.Range(0, 8 * 8 * 3).Select(i => (byte)(i / 3 % 8 * 10))];
        var view = new float[3 * 4 * 4];
        new CropAugmenter(TestCrops.Centre, 0, 1).Video(drawn: null, 0, frame, 8, 8, 4, view);
        for (var x = 0; x < 4; x++)
        {
            Assert.Equal((((20 * x) + 5) / 255f - 0.485f) / 0.229f, view[x], Rounding);
        }
    }

    [Fact]
    public void Audio_LogMel_IsNormalised()
    {
        var view = new float[2];
        new CropAugmenter(TestCrops.Centre, -5, 4).Audio(drawn: null, 0, [(Half)(-5), (Half)(-1)], 1, view);
        Assert.Equal([0f, 1f], view);
    }
}
