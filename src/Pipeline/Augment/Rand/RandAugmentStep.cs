namespace Xkd.Pipeline;

/// <summary>One drawn operation.</summary>
/// <param name="Operation">Which.</param>
/// <param name="Level">Strength, 0 … 10.</param>
/// <param name="Negative">The other direction: turned left, darker, and so on; operations without a direction ignore it.</param>
public readonly record struct RandAugmentStep(RandAugmentOperation Operation, double Level, bool Negative)
{
    private const double MaxLevel = 10;

    private double Share => Level / MaxLevel;

    private int Sign => Negative ? -1 : 1;

    /// <summary>Degrees, counter-clockwise.</summary>
    internal double Degrees => Sign * 30 * Share;

    /// <summary>Factor of a blend.</summary>
    internal double Factor => 1 + (Sign * 0.9 * Share);

    /// <summary>Pixels per pixel.</summary>
    internal double Shear => Sign * 0.3 * Share;

    /// <summary>Share of the side.</summary>
    internal double Shift => Sign * 0.45 * Share;

    /// <summary>Bits that stay.</summary>
    internal int Bits => 4 - (int)(4 * Share);

    /// <summary>First level that is inverted.</summary>
    internal int Threshold => 256 - (int)(256 * Share);

    /// <summary>Added to levels below the middle.</summary>
    internal int Raise => (int)(110 * Share);

    /// <summary>Draws a view's operations: those that are not applied are left out.</summary>
    internal static IReadOnlyList<RandAugmentStep> Draw(RandAugmentOptions options, in SampleKey key)
    {
        SampleRandom random = new(key, SamplePurpose.RandAugment);
        List<RandAugmentStep> steps = [];
        for (var i = 0; i < options.Operations; i++)
        {
            var operation = (RandAugmentOperation)random.NextInt(Enum.GetValues<RandAugmentOperation>().Length);
            bool applied = random.Chance(options.Probability), negative = random.Chance(0.5);
            var level = Math.Clamp(options.Magnitude + (options.MagnitudeDeviation * random.Normal()), 0, MaxLevel);
            if (applied)
            {
                steps.Add(new RandAugmentStep(operation, level, negative));
            }
        }

        return steps;
    }
}
