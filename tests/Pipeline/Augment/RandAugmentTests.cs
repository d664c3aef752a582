namespace Xkd.Pipeline.Tests;

public sealed class RandAugmentTests
{
    private const int Height = 6, Width = 8;

    private static readonly byte[] Picture = [.. Enumerable.Range(0, Height * Width * 3).Select(i => (byte)(40 + (i * 37 % 150)))];

    [Theory]
    [InlineData(RandAugmentOperation.Invert, 7, 40, 215)]
    [InlineData(RandAugmentOperation.Posterize, 5, 77, 64)] // 2 bits stay
    [InlineData(RandAugmentOperation.Solarize, 5, 100, 100)] // threshold 128
    [InlineData(RandAugmentOperation.Solarize, 5, 151, 104)]
    [InlineData(RandAugmentOperation.SolarizeAdd, 5, 114, 169)] // 55 is added below 128
    [InlineData(RandAugmentOperation.Brightness, 5, 100, 145)] // factor 1.45
    public void Apply_LevelOperation_GivesPillowsLevel(RandAugmentOperation operation, double level, int before, int after)
    {
        byte[] flat = [.. Enumerable.Repeat((byte)before, Height * Width * 3)];
        Assert.All(Applied(new RandAugmentStep(operation, level, false), flat), v => Assert.Equal(after, v));
    }

    [Fact]
    public void Apply_AutoContrast_ReachesBothEndsOfEachChannel()
    {
        var result = Applied(new RandAugmentStep(RandAugmentOperation.AutoContrast, 0, false), Picture);
        for (var channel = 0; channel < 3; channel++)
        {
            byte[] values = [.. result.Where((_, i) => i % 3 == channel)];
            Assert.Equal(0, values.Min());
            Assert.InRange(values.Max(), 254, 255); // 255 / (high - low) times that, cut down to a whole number: Pillow's own rounding
        }
    }

    [Fact]
    public void Apply_Equalize_SpreadsTwoLevelsToTheEnds()
    {
        byte[] two = [.. Enumerable.Range(0, 40 * 40 * 3).Select(i => (byte)(i / 3 % 2 == 0 ? 90 : 110))];
        RandAugmentFrame frame = new();
        frame.Load(two, 40, 40);
        frame.Apply(new RandAugmentStep(RandAugmentOperation.Equalize, 0, false));
        Assert.Equal([0, 255], frame.Rgb[..(40 * 40 * 3)].Distinct().Order().Select(v => (int)v));
    }

    [Theory]
    [InlineData(RandAugmentOperation.Rotate)]
    [InlineData(RandAugmentOperation.ShearX)]
    [InlineData(RandAugmentOperation.ShearY)]
    [InlineData(RandAugmentOperation.TranslateX)]
    [InlineData(RandAugmentOperation.TranslateY)]
    [InlineData(RandAugmentOperation.Color)]
    [InlineData(RandAugmentOperation.Contrast)]
    [InlineData(RandAugmentOperation.Brightness)]
    [InlineData(RandAugmentOperation.Sharpness)]
    public void Apply_StrengthZero_ChangesNothingAndStrengthSevenSomething(RandAugmentOperation operation)
    {
        Assert.Equal(Picture, Applied(new RandAugmentStep(operation, 0, false), Picture));
        Assert.NotEqual(Picture, Applied(new RandAugmentStep(operation, 7, true), Picture));
    }

    [Fact]
    public void Apply_TranslateX_MovesWholePixelsAndUncoversTheMeanColour()
    {
        // 0.45 · 10/10 · 8 = 3.6 pixels; level 5.555… moves by 2.
        var moved = Applied(new RandAugmentStep(RandAugmentOperation.TranslateX, 2 / (0.045 * Width), false), Picture);
        for (var y = 0; y < Height; y++)
        {
            Assert.Equal(Picture.AsSpan(((y * Width) + 2) * 3, (Width - 2) * 3).ToArray(), moved.AsSpan(y * Width * 3, (Width - 2) * 3).ToArray());
            Assert.Equal([124, 116, 104, 124, 116, 104], moved.AsSpan(((y * Width) + Width - 2) * 3, 6).ToArray().Select(v => (int)v));
        }
    }

    [Fact]
    public void Draw_ManySamples_AppliesHalfOfTheOperationsAroundTheStrength()
    {
        RandAugmentStep[] steps = [.. Enumerable.Range(0, 2000).SelectMany(i => RandAugmentStep.Draw(new RandAugmentOptions(), new SampleKey(1, 0, i)))];
        Assert.InRange(steps.Length, 3800, 4200);
        Assert.Equal(15, steps.Select(s => s.Operation).Distinct().Count());
        Assert.InRange(steps.Average(s => s.Level), 6.95, 7.05);
        Assert.Equal(RandAugmentStep.Draw(new RandAugmentOptions(), new SampleKey(1, 2, 3)), RandAugmentStep.Draw(new RandAugmentOptions(), new SampleKey(1, 2, 3)));
    }

    [Fact]
    public void Fill_ErasedBox_IsNoiseInsideAndNothingOutside()
    {
        ErasedBox[] drawn = [.. Enumerable.Range(0, 400).Select(i => ErasedBox.Draw(new RandomErasingOptions(), new SampleKey(3, 0, i), 64)).OfType<ErasedBox>()];
        Assert.InRange(drawn.Length, 70, 130);
        var planes = new float[2 * 64 * 64];
        drawn[0].Fill(planes, 64);
        var box = drawn[0].Box;
        var inside = 2 * box.Height * box.Width;
        Assert.Equal(inside, planes.Count(v => v != 0));
        Assert.InRange(planes.Sum(v => v * v) / inside, 0.5, 1.6);
    }

    private static byte[] Applied(RandAugmentStep step, byte[] picture)
    {
        RandAugmentFrame frame = new();
        frame.Load(picture, Height, Width);
        frame.Apply(step);
        return frame.Rgb[..picture.Length];
    }
}
