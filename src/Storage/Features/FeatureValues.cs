namespace Xkd.Storage;

/// <summary>What every feature must be.</summary>
internal static class FeatureValues
{
    /// <summary>Place of the first number that is not finite; −1 where all are.</summary>
    public static int IndexOfNotFinite(this ReadOnlySpan<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
