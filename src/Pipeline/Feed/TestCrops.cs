namespace Xkd.Pipeline;

/// <summary>Spatial views of a test window.</summary>
public enum TestCrops
{
    /// <summary>One, in the centre.</summary>
    Centre,

    /// <summary>Three along the long side.</summary>
    Three,

    /// <summary>
    /// As released for frozen features (<c>strong3crop</c>): resized to size / 0.875 as Pillow does and cut at the centre, after which nothing is left to crop: the three
    /// are one and the same picture, so one is computed.
    /// </summary>
    ReleasedThree,
}
