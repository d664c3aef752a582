namespace Xkd.Pipeline;

/// <summary>What a spectrogram mask leaves behind.</summary>
public enum MaskFill
{
    /// <summary>The mean of the spectrogram before masking.</summary>
    Mean,

    /// <summary>Zero, which is the data's mean once normalised.</summary>
    Zero,
}
