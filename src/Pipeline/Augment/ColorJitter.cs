namespace Xkd.Pipeline;

/// <summary>Drawn colour changes of a view, the same for all its frames.</summary>
public sealed record ColorJitter
{
    /// <summary>Factor of the blend with black; 1 changes nothing.</summary>
    public double Brightness { get; init; } = 1;

    /// <summary>Factor of the blend with the frame's mean luma; 1 changes nothing.</summary>
    public double Contrast { get; init; } = 1;

    /// <summary>Factor of the blend with each pixel's luma; 1 changes nothing.</summary>
    public double Saturation { get; init; } = 1;

    /// <summary>Turn of the hue circle, -0.5 … 0.5.</summary>
    public double Hue { get; init; }

    /// <summary>Order of application; an operation that is not named is not applied.</summary>
    public IReadOnlyList<JitterOperation> Order { get; init; } =
        [JitterOperation.Brightness, JitterOperation.Contrast, JitterOperation.Saturation, JitterOperation.Hue];
}
