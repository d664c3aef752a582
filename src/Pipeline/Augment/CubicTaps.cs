namespace Xkd.Pipeline;

/// <summary>Taps of PyTorch's bicubic interpolation (A = -0.75) along one axis: four neighbours, held at the ends, per output.</summary>
internal sealed class CubicTaps
{
    private const float A = -0.75f;

    /// <summary>Source indices, [outputs, 4].</summary>
    public int[] Index { get; private set; } = [];

    /// <summary>Weights, [outputs, 4].</summary>
    public float[] Weight { get; private set; } = [];

    /// <param name="input">Source length.</param>
    /// <param name="output">Target length.</param>
    /// <param name="alignCorners">Ends map to ends (true), or edges to edges (false).</param>
    public void Prepare(int input, int output, bool alignCorners)
    {
        if (Index.Length < 4 * output)
        {
            Index = new int[4 * output];
            Weight = new float[4 * output];
        }
        var scale = alignCorners ? (output > 1 ? (float)(input - 1) / (output - 1) : 0) : (float)input / output;
        for (var i = 0; i < output; i++)
        {
            // A float32 scale, but no rounding between the product and the fraction: PyTorch's compiler fuses them.
            var at = alignCorners ? (double)scale * i : (double)scale * (i + 0.5) - 0.5;
            var floor = Math.Floor(at);
            var t = (float)(at - floor);
            for (var tap = 0; tap < 4; tap++)
            {
                Index[4 * i + tap] = Math.Clamp((int)floor - 1 + tap, 0, input - 1);
            }
            Weight[4 * i] = Far(t + 1);
            Weight[4 * i + 1] = Near(t);
            Weight[4 * i + 2] = Near(1 - t);
            Weight[4 * i + 3] = Far(2 - t);
        }
    }

    private static float Near(float x) => ((A + 2) * x - (A + 3)) * x * x + 1;

    private static float Far(float x) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
}
