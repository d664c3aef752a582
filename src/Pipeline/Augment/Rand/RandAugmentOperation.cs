namespace Xkd.Pipeline;

/// <summary>Operations of random augmentation, all growing with the strength (timm's increasing set).</summary>
public enum RandAugmentOperation
{
    /// <summary>Each channel stretched to 0 … 255; has no strength.</summary>
    AutoContrast,

    /// <summary>Each channel's histogram flattened; has no strength.</summary>
    Equalize,

    /// <summary>Negative; has no strength.</summary>
    Invert,

    /// <summary>Turned by up to 30 degrees.</summary>
    Rotate,

    /// <summary>Fewer bits: 4 down to 0.</summary>
    Posterize,

    /// <summary>Levels from a threshold on are inverted.</summary>
    Solarize,

    /// <summary>Dark levels are raised.</summary>
    SolarizeAdd,

    /// <summary>Saturation factor 1 ± 0.9.</summary>
    Color,

    /// <summary>Contrast factor 1 ± 0.9.</summary>
    Contrast,

    /// <summary>Brightness factor 1 ± 0.9.</summary>
    Brightness,

    /// <summary>Sharpness factor 1 ± 0.9.</summary>
    Sharpness,

    /// <summary>Sheared across by up to 0.3.</summary>
    ShearX,

    /// <summary>Sheared down by up to 0.3.</summary>
    ShearY,

    /// <summary>Moved across by up to 0.45 of the width.</summary>
    TranslateX,

    /// <summary>Moved down by up to 0.45 of the height.</summary>
    TranslateY,
}
