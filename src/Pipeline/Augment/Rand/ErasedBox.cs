namespace Xkd.Pipeline;

/// <summary>A box of a view that becomes noise, every pixel of every frame its own.</summary>
/// <param name="Box">Part of the view.</param>
/// <param name="Key">The sample whose noise fills it.</param>
public sealed record ErasedBox(CropBox Box, SampleKey Key)
{
    private const int Attempts = 10;

    /// <summary>Draws where a view of that size is erased; null: nowhere.</summary>
    internal static ErasedBox? Draw(RandomErasingOptions options, in SampleKey key, int size)
    {
        SampleRandom random = new(key, SamplePurpose.Erasing);
        if (!random.Chance(options.Probability))
        {
            return null;
        }

        var log = Math.Log(1 / options.Aspect);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            double area = size * size * random.Uniform(options.AreaMin, options.AreaMax), aspect = Math.Exp(random.Uniform(-log, log));
            int height = (int)Math.Round(Math.Sqrt(area * aspect)), width = (int)Math.Round(Math.Sqrt(area / aspect));
            if (height >= 1 && width >= 1 && height < size && width < size)
            {
                return new ErasedBox(new CropBox(random.NextInt(size - height + 1), random.NextInt(size - width + 1), height, width), key);
            }
        }

        return null;
    }

    /// <summary>Fills the box of each plane with standard normal noise.</summary>
    /// <param name="planes">[planes, size, size].</param>
    /// <param name="size">Rows and columns.</param>
    internal void Fill(Span<float> planes, int size)
    {
        SampleRandom random = new(Key, SamplePurpose.ErasingNoise);
        for (var plane = 0; plane < planes.Length; plane += size * size)
        {
            for (var y = Box.Top; y < Box.Top + Box.Height; y++)
            {
                foreach (ref var value in planes.Slice(plane + (y * size) + Box.Left, Box.Width))
                {
                    value = (float)random.Normal();
                }
            }
        }
    }
}
