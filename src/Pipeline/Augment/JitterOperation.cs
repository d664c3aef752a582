namespace Xkd.Pipeline;

/// <summary>One operation of colour jitter.</summary>
public enum JitterOperation
{
    /// <summary>Blend with black.</summary>
    Brightness,

    /// <summary>Blend with the frame's mean luma.</summary>
    Contrast,

    /// <summary>Blend with each pixel's luma.</summary>
    Saturation,

    /// <summary>Rotation of the hue circle.</summary>
    Hue,
}
